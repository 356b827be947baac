# One run of Plimsoll on a Nomad cluster: a coordinator with the bus beside it, and one agent on each of several clients.
#
#     nomad var put nomad/jobs/plimsoll token="$(openssl rand -hex 32)"
#     nomad job run -var target=http://10.0.0.5:8080 -var allow_target=10.0.0.5:8080 deploy/nomad/plimsoll.nomad.hcl
#     nomad job stop -purge plimsoll
#
# The last line when the coordinator is done: agents wait for the next run until they are stopped.

variable "image" {
  type        = string
  default     = "plimsoll:0.1.0"
  description = "The image of deploy/Containerfile, as your clients can pull it. Pull it before: the coordinator waits 60 s for its agents."
}

variable "target" {
  type        = string
  description = "Base URL of the service to measure."
}

variable "allow_target" {
  type        = string
  description = "HOST:PORT of the same, which is all that the agents may send to."
}

variable "agents" {
  type        = number
  default     = 3
  description = "How many machines send."
}

variable "preset" {
  type    = string
  default = "standard"
}

job "plimsoll" {
  type = "batch"

  group "coordinator" {
    # A run that failed is an answer, not a reason to run again.
    restart {
      attempts = 0
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    network {
      port "nats" {
        to = 4222
      }
    }

    service {
      name     = "plimsoll-bus"
      provider = "nomad"
      port     = "nats"
    }

    # Starts before the coordinator and ends with it.
    task "bus" {
      driver = "docker"
      user   = "1000"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      config {
        image           = "nats:2.12-alpine"
        args            = ["--config", "/secrets/bus.conf"]
        ports           = ["nats"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      template {
        destination = "secrets/bus.conf"
        change_mode = "noop"
        data        = <<-EOT
          listen: "0.0.0.0:4222"
          authorization { token: "{{ with nomadVar "nomad/jobs/plimsoll" }}{{ .token }}{{ end }}" }
        EOT
      }

      resources {
        cpu    = 500
        memory = 256
      }
    }

    task "coordinator" {
      driver = "docker"
      leader = true
      # Time to write what was measured.
      kill_timeout = "30s"

      config {
        image = var.image
        args = [
          "capacity",
          "AGENTS=${var.agents}",
          "NATS=nats://${NOMAD_ADDR_nats}",
          "TARGET=${var.target}",
          "ALLOW_REMOTE=true",
          "PRESET=${var.preset}",
          "OUT=/alloc/data/results",
        ]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      env {
        XDG_STATE_HOME = "/alloc/data/state"
      }

      template {
        destination = "secrets/bus.env"
        env         = true
        change_mode = "noop"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/plimsoll" }}NATS_TOKEN={{ .token }}{{ end }}
        EOT
      }

      resources {
        cores  = 1
        memory = 1024
      }
    }
  }

  group "agents" {
    count = var.agents

    # Two on one client would take processor time from each other.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    # Without an address an agent ends at once, so this is also how long the bus may take to come.
    restart {
      attempts = 60
      interval = "10m"
      delay    = "5s"
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "agent" {
      driver       = "docker"
      kill_timeout = "10s"

      config {
        image = var.image
        # For agents that nobody stopped: longer than PRESET=signoff takes.
        entrypoint = ["timeout", "--preserve-status", "4h", "plimsoll"]
        args = [
          "agent",
          "ALLOW_TARGET=${var.allow_target}",
          "NAME=agent-${NOMAD_ALLOC_INDEX}",
        ]
        readonly_rootfs = true
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
      }

      # A bus that comes, or comes anew, restarts the agent with its address.
      template {
        destination = "secrets/bus.env"
        env         = true
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/plimsoll" }}NATS_TOKEN={{ .token }}{{ end }}
          {{ range nomadService "plimsoll-bus" }}PLIMSOLL_NATS=nats://{{ .Address }}:{{ .Port }}{{ end }}
        EOT
      }

      # Whole cores that no other task gets.
      resources {
        cores  = 2
        memory = 1024
      }
    }
  }
}

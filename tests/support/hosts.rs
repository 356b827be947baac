//! Hosts on one machine: network namespaces on a bridge, each with an address of its own, taken away at the end.
#![allow(dead_code, reason = "every test crate uses its own part")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// So many namespaces; the names hold the process, so that nobody else's are touched.
pub(crate) struct Hosts {
    prefix: String,
    count: u32,
    /// Whether what they send is late, and lost now and then.
    pub(crate) is_late: bool,
}

impl Hosts {
    /// Makes them, with a millisecond of delay and a thousandth of loss where the kernel has that; why it cannot.
    pub(crate) fn make(count: u32) -> Result<Self, String> {
        let prefix = format!("pl{}", std::process::id() % 100_000);
        let mut hosts = Self { prefix, count, is_late: true };
        let prefix = hosts.prefix.clone();
        let bridge = format!("{prefix}b");
        ip(&["netns", "add", &bridge])?;
        within(&bridge, &["ip", "link", "add", "br0", "type", "bridge"])?;
        within(&bridge, &["ip", "link", "set", "br0", "up"])?;
        for host in 0..count {
            let (name, near) = (hosts.name(host), format!("v{host}"));
            ip(&["netns", "add", &name])?;
            let pair = [
                "ip", "link", "add", &near, "type", "veth", "peer", "name", "eth0", "netns", &name,
            ];
            within(&bridge, &pair)?;
            within(&bridge, &["ip", "link", "set", &near, "master", "br0", "up"])?;
            let address = format!("{}/24", Self::address(host));
            within(&name, &["ip", "addr", "add", &address, "dev", "eth0"])?;
            within(&name, &["ip", "link", "set", "eth0", "up"])?;
            within(&name, &["ip", "link", "set", "lo", "up"])?;
            let late = [
                "tc", "qdisc", "add", "dev", "eth0", "root", "netem", "delay", "1ms", "loss",
                "0.1%",
            ];
            hosts.is_late &= within(&name, &late).is_ok();
        }
        Ok(hosts)
    }

    /// The address of a host.
    pub(crate) fn address(host: u32) -> String {
        format!("10.77.0.{}", host + 1)
    }

    fn name(&self, host: u32) -> String {
        format!("{}h{host}", self.prefix)
    }

    /// A program on a host.
    pub(crate) fn command(&self, host: u32, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(host)]).arg(program);
        command
    }

    /// Starts a server on a host, which ends with what is returned.
    pub(crate) fn serve(&self, host: u32, program: &Path, arguments: &[&str]) -> Served {
        let mut command = self.command(host, program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Served(command.spawn().expect("a server on a host"))
    }

    /// What `command` says, on a host.
    pub(crate) fn inside(&self, host: u32, command: &Command) -> Command {
        let mut inside = self.command(host, Path::new(command.get_program()));
        inside.args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            inside.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside.stdin(Stdio::null());
        inside.stdout(Stdio::piped()).stderr(Stdio::piped());
        inside
    }
}

/// A server on a host.
pub(crate) struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in 0..self.count {
            drop(ip(&["netns", "del", &self.name(host)]));
        }
        drop(ip(&["netns", "del", &format!("{}b", self.prefix)]));
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    run(Command::new("ip").args(arguments))
}

fn within(namespace: &str, command: &[&str]) -> Result<(), String> {
    run(Command::new("ip").args(["netns", "exec", namespace]).args(command))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

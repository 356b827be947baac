//! What wrote a result, and the machine that it ran on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What wrote the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolRecord {
    /// `plimsoll`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The commit it was built from, where the build knew it.
    pub git_commit: Option<String>,
    /// Whether sources differed from that commit; null where the build did not know.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// The compiler; null in results of earlier versions.
    #[serde(default)]
    pub rustc: Option<String>,
    /// How it was built: `release` or `debug`; null in results of earlier versions.
    #[serde(default)]
    pub build: Option<String>,
}

/// The machine of the generator; what could not be found out is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentRecord {
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// The operating system as it calls itself.
    #[serde(default)]
    pub distribution: Option<String>,
    /// Model of the processor.
    pub cpu_model: Option<String>,
    /// Cores that this process may use.
    pub cores: Option<u64>,
    /// How the kernel chooses the clock rate of a core, such as `performance`.
    #[serde(default)]
    pub governor: Option<String>,
    /// Memory of the machine in bytes.
    pub memory_bytes: Option<u64>,
    /// Cores that the control group allows; null without a limit.
    pub cgroup_cores: Option<f64>,
    /// Memory that the control group allows, in bytes; null without a limit.
    #[serde(default)]
    pub cgroup_memory_bytes: Option<u64>,
    /// Load average of one minute when the run began.
    pub load_average: Option<f64>,
    /// Container that the run is in, as far as can be told: `docker`, `podman`, `kubernetes`.
    pub container: Option<String>,
    /// Whether the machine is a virtual one; null where it does not say.
    #[serde(default)]
    pub virtual_machine: Option<bool>,
    /// What the kernel takes the time from, such as `tsc`.
    #[serde(default)]
    pub clock_source: Option<String>,
    /// Time zone of the machine; all times of a result are UTC.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Longest queue of connections that listeners get.
    pub somaxconn: Option<u64>,
    /// First and last local port that connections get.
    pub port_range: Option<[u64; 2]>,
    /// Most file descriptors, soft limit.
    pub nofile_soft: Option<u64>,
    /// Most file descriptors, hard limit.
    pub nofile_hard: Option<u64>,
    /// The host's name as a hash, to tell machines apart without naming them.
    pub host_hash: Option<String>,
}

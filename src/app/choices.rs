//! Settings that are more than one number: the target and whom to trust there, the trial of `load`, the levels.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};

use super::keys::Command;
use super::sources::shorten;
use super::target::{StartCommand, Target};
use super::values::Values;
use crate::corpus::plan::{CorpusPlan, Order};
use crate::corpus::profiles::DataProfile;
use crate::live::tls::Trust;
use crate::profile::PermissionsShape;
use crate::trial::Workload;
use crate::units::Rps;

/// More searches than this are a typing error: they take hours.
const REPEATS_MOST: u32 = 50;

/// What `load` alone takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadSettings {
    /// The rate.
    pub offered: Rps,
    /// Length of the measured part, over 0.
    pub duration_s: f64,
    /// Length of the part before, 0 or more.
    pub warmup_s: f64,
    /// What is called.
    pub workload: Workload,
}

pub(super) fn target(values: &Values<'_>) -> Result<Target> {
    let is_remote_allowed = values.one_of("ALLOW_REMOTE", &[("true", true), ("false", false)])?;
    let target = started(values)?;
    if let Target::Url(url) = &target
        && !url.is_loopback()
        && !is_remote_allowed
    {
        bail!(
            "TARGET={} is not on this machine; give ALLOW_REMOTE=true if you may put it under load",
            url.text
        );
    }
    Ok(target)
}

/// The target by `TARGET`, `IMAGE` and `LAUNCH`.
fn started(values: &Values<'_>) -> Result<Target> {
    let target = Target::parse(values.text("TARGET").map_or("embedded", |(text, _)| text))?;
    let launch = values.text("LAUNCH").map(|(text, _)| text).filter(|text| *text != "none");
    if let Some(launch) = launch {
        if values.is_given("TARGET") {
            bail!("LAUNCH starts the target itself, and TARGET names another; leave one out");
        }
        return Ok(Target::Command(StartCommand::parse(launch)?));
    }
    if !matches!(target, Target::Docker { .. }) {
        if values.is_given("IMAGE") {
            bail!("IMAGE is for TARGET=docker; add that or leave IMAGE out");
        }
        return Ok(target);
    }
    // A name that begins with a dash would be an option of the client.
    let is_name = |text: &&str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|letter| letter.is_ascii_graphic())
    };
    let wanted = "the name of an image, such as drorwolmer/stress_test";
    let image =
        values.parse("IMAGE", wanted, |text| Some(text).filter(is_name).map(str::to_owned))?;
    Ok(Target::Docker { image })
}

/// Whom an encrypted connection to `target` trusts.
pub(super) fn trust(command: Command, values: &Values<'_>, target: &Target) -> Result<Trust> {
    let ca = values.text("CA").map_or("none", |(text, _)| text);
    let is_insecure = values.one_of("INSECURE", &[("true", true), ("false", false)])?;
    // An agent learns only later what it sends to.
    let is_encrypted =
        command == Command::Agent || matches!(target, Target::Url(url) if url.is_encrypted);
    match (ca, is_insecure) {
        ("none", false) => Ok(Trust::System),
        _ if !is_encrypted => {
            bail!("CA and INSECURE are for a TARGET that begins with https://; leave them out")
        }
        ("none", true) => Ok(Trust::Anybody),
        (_, true) => bail!("CA and INSECURE=true contradict each other; leave one out"),
        (path, false) => Ok(Trust::File(PathBuf::from(path))),
    }
}

/// Which documents are sent.
pub(super) fn corpus(values: &Values<'_>) -> Result<CorpusPlan> {
    let domains = [("2^24", 24), ("2^30", 30), ("2^36", 36)];
    let orders = [Order::Mixed, Order::Crawl];
    let plan = CorpusPlan {
        seed: values.whole("CORPUS_SEED", 0, u64::MAX)?,
        hosts: values.whole("HOSTS", 1, u32::MAX)?,
        dirs: values.whole("DIRS", 1, u32::MAX)?,
        principals: values.whole("PRINCIPALS", 1, u32::MAX)?,
        domain_bits: values.one_of("DOMAIN", &domains)?,
        profile: data_profile(values.text("PROFILE_DATA").map_or("share", |(text, _)| text))?,
        order: values.one_of("ORDER", &orders.map(|order| (order.name(), order)))?,
    };
    plan.check()?;
    Ok(plan)
}

/// A profile by its name, or from a file.
fn data_profile(name: &str) -> Result<DataProfile> {
    if let Some(profile) = DataProfile::named(name) {
        return Ok(profile);
    }
    let cure = "give share, docs, desktop2004 or a file that `plimsoll corpus --fit` has made";
    let text = std::fs::read(name)
        .map_err(|error| anyhow!("PROFILE_DATA={}: {error}; {cure}", shorten(name)))?;
    DataProfile::read(name, &text)
        .map_err(|error| anyhow!("PROFILE_DATA={}: {error}; {cure}", shorten(name)))
}

/// Where somebody may watch the run; others than this machine's own only when that is allowed.
pub(super) fn listen(values: &Values<'_>, key: &str) -> Result<Option<SocketAddr>> {
    let is_remote_allowed = values.one_of("ALLOW_REMOTE", &[("true", true), ("false", false)])?;
    let wanted = "none or an address of this machine with a port, such as 127.0.0.1:9464";
    let address = values.parse(key, wanted, |text| match text.strip_prefix("localhost:") {
        _ if text == "none" => Some(None),
        Some(port) => Some(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)))),
        None => text.parse().ok().map(Some),
    })?;
    if let Some(address) =
        address.filter(|address| !address.ip().is_loopback() && !is_remote_allowed)
    {
        bail!("{key}={address} lets other machines watch; give ALLOW_REMOTE=true if they may");
    }
    Ok(address)
}

pub(super) fn permissions(values: &Values<'_>) -> Result<Option<PermissionsShape>> {
    values.one_of(
        "PERMISSIONS",
        &[
            ("auto", None),
            ("object", Some(PermissionsShape::Object)),
            ("list", Some(PermissionsShape::List)),
        ],
    )
}

pub(super) fn load(command: Command, values: &Values<'_>) -> Result<Option<LoadSettings>> {
    let duration_s = values.span_s("DURATION_S")?;
    let wanted = "a number of seconds from 0 to 604800";
    let warmup_s = values.number("WARMUP_S", wanted, 0.0, 604_800.0)?;
    let workloads = [Workload::Index, Workload::Dashboard];
    let workload = values.one_of("WORKLOAD", &workloads.map(|load| (load.name(), load)))?;
    if command == Command::Load || values.is_given("RPS") {
        let offered = values.rate("RPS")?;
        return Ok(Some(LoadSettings { offered, duration_s, warmup_s, workload }));
    }
    Ok(None)
}

/// How many whole searches; `default` is the preset's.
pub(super) fn repeats(values: &Values<'_>, default: u32) -> Result<u32> {
    if values.is_given("REPEATS") { values.whole("REPEATS", 1, REPEATS_MOST) } else { Ok(default) }
}

pub(super) fn span_or(values: &Values<'_>, key: &str, by_preset_s: f64) -> Result<f64> {
    if values.is_given(key) { values.span_s(key) } else { Ok(by_preset_s) }
}

pub(super) const LEVELS_WANTED: &str =
    "none or whole percentages from 0 to 1000, each once, such as 0,50,100,120";

/// The seed that is given, or the drawn one.
pub(super) fn seed(values: &Values<'_>, drawn: u64) -> Result<u64> {
    if values.is_given("SEED") { values.whole("SEED", 0, u64::MAX) } else { Ok(drawn) }
}

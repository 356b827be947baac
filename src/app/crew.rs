//! The agents of a run: found on the bus, told what the run is about.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;

use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::settings::Settings;
use crate::agents::wire::{Enlist, Enlisted};
use crate::bus::crew::{Call, NatsCrew};
use crate::bus::{BusError, BusPlan, Clock, Credentials};
use crate::corpus::profiles::DataProfile;
use crate::files::manifest::Stamp;
use crate::live::clock::now_ns;
use crate::profile::PermissionsShape;
use crate::report::schema::CalibrationRecord;
use crate::report::times::LatenessRecord;
use crate::term::complain;
use crate::units::round_to_u64;

/// Agents that are not there yet are waited for so long: they may be starting.
const PATIENCE: Duration = Duration::from_secs(60);

/// Settings by which requests are made and sent: what an agent must know of a run.
pub(super) const FOR_AGENTS: [&str; 14] = [
    "PROFILE",
    "HTTP",
    "BATCH",
    "CORPUS_SEED",
    "PROFILE_DATA",
    "HOSTS",
    "DIRS",
    "PRINCIPALS",
    "DOMAIN",
    "ORDER",
    "LANES_MAX",
    "THREADS",
    "PACE",
    "POOL",
];

/// The clock of this machine, as agents and coordinators compare it.
pub(super) fn clock() -> Clock {
    Clock { monotonic_ns: now_ns, anchor_ns: Stamp::now().unix_ns().saturating_sub(now_ns()) }
}

/// Where the bus is, with what the environment says of who speaks.
///
/// # Errors
/// When it says it in two ways.
pub(super) fn bus_plan(url: &str) -> Result<BusPlan, Failure> {
    let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let known = [
        ("NATS_TOKEN", text("NATS_TOKEN").map(Credentials::Token)),
        ("NATS_NKEY", text("NATS_NKEY").map(Credentials::Nkey)),
        ("NATS_CREDS", text("NATS_CREDS").map(|path| Credentials::File(path.into()))),
    ];
    let mut given = known.into_iter().filter_map(|(name, found)| Some((name, found?)));
    let first = given.next();
    if let (Some((one, _)), Some((other, _))) = (&first, given.next()) {
        return Err(Failure::usage(anyhow!("{one} and {other} are both set; unset one of them")));
    }
    let credentials = first.map_or(Credentials::None, |(_, credentials)| credentials);
    Ok(BusPlan { url: url.to_owned(), credentials, ca: text("NATS_CA").map(Into::into) })
}

/// Finds the agents of a run against the target at `base_url`.
///
/// # Errors
/// When the bus cannot be reached, agents are missing, or their clocks are too unsure.
pub(super) fn enlist(
    settings: &Settings,
    base_url: &str,
    shape: PermissionsShape,
    interrupt: &Interrupt,
) -> Result<Option<NatsCrew>, Failure> {
    let (Some(agents), Some(url)) = (settings.bus.agents, &settings.bus.url) else {
        return Ok(None);
    };
    let run = format!("{}-{}", Stamp::now().compact(), super::draw_seed());
    let call = Call {
        enlist: for_agents(settings, &run, base_url, shape)?,
        interrupted: interrupt.flag(),
        run,
        agents,
        patience: PATIENCE,
        clock_error_ns: round_to_u64(settings.bus.clock_error_ms * 1e6),
    };
    if !settings.is_quiet() {
        complain(&format!("looking for {agents} agents on {url} …"));
    }
    let crew = NatsCrew::enlist(&bus_plan(url)?, call, clock());
    crew.map(Some).map_err(|error| {
        let exit = match error {
            BusError::Clock { .. } => Exit::Usage,
            BusError::Interrupted => Exit::Interrupted,
            BusError::System(_) => Exit::Internal,
            BusError::Connect { .. } | BusError::Failed(_) | BusError::TooFew { .. } => {
                Exit::Target
            }
        };
        let cure = match error {
            BusError::TooFew { .. } => format!(
                "; start them with `plimsoll agent NATS={url} ALLOW_TARGET={}`",
                base_url.split_once("//").map_or(base_url, |(_, authority)| authority)
            ),
            _ => String::new(),
        };
        Failure::new(exit, anyhow!("{error}{cure}"))
    })
}

fn for_agents(
    settings: &Settings,
    run: &str,
    base_url: &str,
    shape: PermissionsShape,
) -> Result<Enlist, Failure> {
    let given = settings.resolved.iter().filter(|item| FOR_AGENTS.contains(&item.key));
    let mut texts: BTreeMap<String, String> =
        given.map(|item| (item.key.to_owned(), item.value.clone())).collect();
    if shape != PermissionsShape::Pairs {
        texts.insert("PERMISSIONS".to_owned(), shape.name().to_owned());
    }
    let mut data_profile = None;
    let named = texts.get("PROFILE_DATA").cloned().unwrap_or_default();
    if DataProfile::named(&named).is_none() {
        // A file of this machine: agents get what is in it, and never open one by the bus's word.
        texts.remove("PROFILE_DATA");
        let text = std::fs::read_to_string(&named)
            .map_err(|error| Failure::usage(anyhow!("PROFILE_DATA: {error}")))?;
        data_profile = Some(text);
    }
    let (run, target) = (run.to_owned(), base_url.to_owned());
    Ok(Enlist { run, target, settings: texts, data_profile })
}

/// What all agents together can do, from what each reached when it started.
pub(super) fn calibration(about: &[Enlisted]) -> CalibrationRecord {
    let reach = about.iter().map(|agent| agent.calibrated_rps);
    let costs: Vec<f64> = about.iter().filter_map(|agent| agent.cpu_us_per_request).collect();
    let cost = costs.iter().sum::<f64>() / costs.len() as f64;
    CalibrationRecord {
        at_rps: crate::live::self_test::FIRST_RPS,
        lateness_ms: LatenessRecord::default(),
        cpu_us_per_request: Some(cost).filter(|cost| cost.is_finite()),
        ceiling_rps: reach.sum(),
    }
}

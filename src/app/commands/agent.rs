//! `plimsoll agent`: this machine sends for runs whose coordinator is somewhere else.

use std::collections::HashMap;
use std::sync::Arc;

use crate::agents::duty::Duty;
use crate::app::bus_settings::AllowedTarget;
use crate::app::crew::{bus_plan, clock};
use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::settings::Settings;
use crate::app::worker::{Terms, Worker};
use crate::bus::post::{Entrance, Post};
use crate::bus::{BusError, Clock};
use crate::corpus::Corpus;
use crate::live::vitals::raise_descriptors;
use crate::live::{Pacing, Reuse, Tuning, self_test};
use crate::profile::PermissionsShape;
use crate::profile::example_api::ExampleApi;
use crate::term::complain;
use crate::units::round_to_u64;

/// Connections that it may open to ask itself what it can do.
const LANES: u32 = 256;

/// Runs the command, until the user wants to stop.
///
/// # Errors
/// When the bus cannot be reached, or does not let it in.
pub fn run(settings: &Settings) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let url = settings.bus.url.clone().unwrap_or_default();
    let of_bus = |error| match error {
        BusError::System(_) => Failure::internal(error),
        _ => Failure::new(Exit::Target, error),
    };
    // First: to ask oneself what one can do takes seconds, which would be in vain.
    let entrance = Entrance::open(&bus_plan(&url)?).map_err(of_bus)?;
    let corpus = Arc::new(Corpus::new(&settings.corpus).map_err(Failure::usage)?);
    let profile = Arc::new(ExampleApi::new(corpus, PermissionsShape::Object));
    let tuning = Tuning {
        threads: 1,
        lanes_max: raise_descriptors(LANES),
        pacing: Pacing::Timer,
        reuse: Reuse::Spread,
    };
    let calibration = self_test::calibrate(&(profile as _), 1, tuning, &|| interrupt.is_asked())
        .map_err(Failure::internal)?;
    let reach = calibration.and_then(|calibration| calibration.ceiling_rps);
    let own = clock();
    let ahead_ns = round_to_u64(settings.bus.clock_ahead_ms * 1e6);
    let clock = Clock { anchor_ns: own.anchor_ns + ahead_ns, ..own };
    let about = HashMap::from([(
        "calibrated_rps".to_owned(),
        reach.map_or_else(|| "unknown".to_owned(), |rps| format!("{rps:.0}")),
    )]);
    let post = Post::enter(entrance, about, clock).map_err(of_bus)?;
    let name = settings.bus.name.clone().unwrap_or_else(|| {
        format!("agent-{}", post.id().get(post.id().len().saturating_sub(6)..).unwrap_or_default())
    });
    let targets: Vec<String> = settings.bus.allowed.iter().map(AllowedTarget::text).collect();
    if !settings.is_quiet() {
        let reach = reach.map_or_else(
            || "not even 1000/s in time".to_owned(),
            |rps| format!("{rps:.0}/s in time"),
        );
        complain(&format!(
            "agent {name} is on {url} ({reach}) and may send to {}; Ctrl-C ends it",
            targets.join(", ")
        ));
    }
    let terms = Terms {
        name,
        allowed: settings.bus.allowed.clone(),
        trust: settings.trust.clone(),
        calibration,
        is_quiet: settings.is_quiet(),
    };
    let duty = Duty::default();
    Worker { terms, clock, interrupt, post, duty, agent: None, ready: None, batch: 1 }.work();
    Ok(Exit::Pass)
}

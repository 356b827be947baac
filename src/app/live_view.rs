//! Who may watch a run while it goes on, by METRICS: the addresses are taken before anything is started.

use std::net::SocketAddr;

use anyhow::anyhow;

use super::exit::Failure;
use super::settings::Settings;
use crate::page::metrics::Metrics;
use crate::page::server::{Offer, Server};
use crate::report::recent::StreamNow;
use crate::report::schema::RunRecord;
use crate::search::Standing;
use crate::term::complain;
use crate::trial::result::TrialResult;
use crate::trial::{Tick, TrialPlan};

/// Servers for those who watch, and what is put down for them; nothing of both where nobody asked.
#[derive(Debug, Default)]
pub struct LiveView {
    metrics: Option<Metrics>,
    /// It ends with the view.
    _server: Option<Server>,
}

impl LiveView {
    /// Takes the addresses that the settings name.
    ///
    /// # Errors
    /// When an address is taken or not this machine's.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let Some(address) = settings.metrics else { return Ok(Self::default()) };
        let metrics = Metrics::default();
        let server = serve("METRICS", address, Offer { metrics: Some(metrics.clone()) })?;
        if !settings.is_quiet() {
            complain(&format!("metrics: http://{}/metrics", server.address()));
        }
        Ok(Self { metrics: Some(metrics), _server: Some(server) })
    }

    /// A trial begins; `standing` is that of its search, in documents.
    pub fn begins(&self, plan: &TrialPlan, standing: Option<&Standing>) {
        let Some(metrics) = &self.metrics else { return };
        metrics.begins(plan);
        if let Some(standing) = standing {
            metrics.stands(standing);
        }
    }

    /// A look at the running trial.
    pub fn looks(&self, tick: &Tick<'_>, now: &[StreamNow]) {
        if let Some(metrics) = &self.metrics {
            metrics.looks(tick, now);
        }
    }

    /// A trial is over and judged.
    pub fn finished(&self, result: &TrialResult, verdict: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.finished(result, verdict);
        }
    }

    /// The last trial has moved the search to `standing`, in documents.
    pub fn stands(&self, standing: &Standing) {
        if let Some(metrics) = &self.metrics {
            metrics.stands(standing);
        }
    }

    /// The run is over.
    pub fn ends(&self, run: &RunRecord) {
        if let Some(metrics) = &self.metrics {
            metrics.ends(run);
        }
    }
}

fn serve(key: &str, address: SocketAddr, offer: Offer) -> Result<Server, Failure> {
    Server::start(address, offer).map_err(|error| {
        Failure::usage(anyhow!(
            "{key}={address}: {error}; give another address, or port 0 for a free one"
        ))
    })
}

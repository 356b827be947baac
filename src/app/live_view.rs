//! Who may watch a run while it goes on, by UI and METRICS: the addresses are taken before anything is started.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;

use super::drawing::Drawing;
use super::exit::Failure;
use super::run::Sketch;
use super::settings::Settings;
use super::witness::RunLog;
use crate::campaign::Campaign;
use crate::live::clock::now_ns;
use crate::page::live_page::LivePage;
use crate::page::metrics::Metrics;
use crate::page::server::{Offer, Server};
use crate::report::recent::StreamNow;
use crate::report::schema::RunRecord;
use crate::search::Standing;
use crate::term::complain;
use crate::trial::result::TrialResult;
use crate::trial::{Tick, TrialPlan};

/// How often it is looked whether listeners have the last page, and how often at most: three seconds.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_MOST: u32 = 60;

/// Servers for those who watch, and what is put down for them; nothing of both where nobody asked.
#[derive(Debug, Default)]
pub struct LiveView {
    metrics: Option<Metrics>,
    page: Option<LivePage>,
    drawing: Option<Drawing>,
    /// They end with the view.
    _servers: Vec<Server>,
}

impl LiveView {
    /// Takes the addresses that the settings name.
    ///
    /// # Errors
    /// When an address is taken or not this machine's.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let metrics = settings.metrics.map(|_| Metrics::default());
        let page = settings.ui.map(|_| LivePage::new(now_ns));
        let mut servers = Vec::new();
        let both = Offer { metrics: metrics.clone(), page: page.clone() };
        match (settings.ui, settings.metrics) {
            // One address for both is one server; two free ports are two.
            (Some(ui), Some(metrics)) if ui == metrics && ui.port() != 0 => {
                servers.push(serve("UI", ui, both)?);
            }
            (ui, metrics) => {
                for (key, address, offer) in [
                    ("UI", ui, Offer { metrics: None, page: both.page }),
                    ("METRICS", metrics, Offer { metrics: both.metrics, page: None }),
                ] {
                    if let Some(address) = address {
                        servers.push(serve(key, address, offer)?);
                    }
                }
            }
        }
        let told = [
            settings.ui.map(|_| ("live page", "")),
            settings.metrics.map(|_| ("metrics", "metrics")),
        ];
        // The first server has the page, the last one the figures.
        let ends = [servers.first(), servers.last()];
        for ((what, path), server) in
            told.into_iter().zip(ends).filter_map(|(told, server)| told.zip(server))
        {
            if !settings.is_quiet() {
                complain(&format!("{what}: http://{}/{path}", server.address()));
            }
        }
        Ok(Self { metrics, page, drawing: None, _servers: servers })
    }

    /// From now on the page shows the run that `sketch` describes.
    pub fn draw(&mut self, sketch: Sketch, campaign: &Campaign) {
        self.drawing = self.page.clone().map(|page| Drawing::new(page, sketch, campaign));
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

    /// The same for the page, which shows all that was measured before too.
    pub fn draws(&mut self, plan: &TrialPlan, tick: &Tick<'_>, log: &RunLog) {
        if let Some(drawing) = &mut self.drawing {
            drawing.looks(plan, tick, log);
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

    /// A step of the campaign begins; `log` has all that were made.
    pub fn steps(&mut self, campaign: &Campaign, log: &RunLog, elapsed_s: f64) {
        if let Some(drawing) = &mut self.drawing {
            drawing.steps(campaign, log, elapsed_s);
        }
    }

    /// The run is over; another may follow it.
    pub fn ends(&self, run: &RunRecord) {
        if let Some(drawing) = &self.drawing {
            drawing.ends(run);
        }
    }

    /// No run follows: waits, not for long, until those who listen have the last page.
    pub fn close(self) {
        let Some(page) = &self.page else { return };
        page.finish();
        for _ in 0..LOOKS_MOST {
            if !page.is_watched() {
                return;
            }
            thread::sleep(LOOK);
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

//! The settings: environment variables, checked at the start, trusted afterwards.
//!
//! [`VARIABLES`] is the one list of names, defaults and meanings; `--help` prints it and
//! [`Settings::read`] takes the defaults from it, so that they cannot drift apart.

use crate::clock::MILLISECOND_NS;
use crate::fault;
use crate::source::{SettingError, Source, complaint};
use crate::stall::Stalls;
use crate::store::StoreSettings;

/// One environment variable: name, default, meaning.
pub(crate) type Variable = (&'static str, &'static str, &'static str);

/// Every environment variable that the server reads.
pub(crate) const VARIABLES: &[Variable] = &[
    ("WORKERS", "4", "workers, each serving one request at a time (1 to 1024)"),
    (
        "FRONT",
        "pool",
        "pool: keep-alive connections and one queue; prefork: as gunicorn's sync workers",
    ),
    (
        "QUEUE",
        "1000",
        "pool: requests that may wait for a worker; more are answered 429 (0 to 1000000)",
    ),
    (
        "BACKLOG",
        "2048",
        "connections that the kernel may hold before they are accepted (1 to 65535)",
    ),
    (
        "MAX_REQUESTS",
        "2000",
        "prefork: requests after which a worker is replaced; 0: never (up to 1000000000)",
    ),
    ("RESTART_MS", "300", "prefork: how long the replacement of a worker takes (0 to 60000)"),
    (
        "ENGINE",
        "tantivy",
        "tantivy: a search engine inside; model: workers sleep for the service time (also chosen \
         when SERVICE_MS, SERVICE_LAW, STALL_MS or STALL_EVERY_MS is given and ENGINE is not); \
         compat: they burn CPU as the published server",
    ),
    (
        "QUERY_WORKERS",
        "0",
        "pool: workers for queries alone, with a queue of their own; 0: the same workers (up to 1024)",
    ),
    (
        "ACK_MS",
        "4",
        "tantivy: how long a worker waits, beside the sync, for a replica that there is not: a \
         stand-in that lets the capacity grow with WORKERS on a small machine (0 to 60000)",
    ),
    (
        "REFRESH_MS",
        "1000",
        "tantivy: how long a document may wait until it can be searched (10 to 60000)",
    ),
    (
        "DURABILITY",
        "request",
        "tantivy: request: synced to disk before the answer; async: within 5 s",
    ),
    ("DATA", "", "tantivy: folder of index and log, kept at the end; none: a temporary folder"),
    (
        "SERVICE_MS",
        "10",
        "model: mean service time of a request; compat: CPU time (over 0, up to 60000)",
    ),
    (
        "SERVICE_LAW",
        "const",
        "model: const, exp, or lognormal (coefficient of variation 0.5); the mean is the same",
    ),
    (
        "STALL_MS",
        "0",
        "model: all workers stand still for this long at the end of every STALL_EVERY_MS",
    ),
    (
        "STALL_EVERY_MS",
        "0",
        "model: period of the stalls, counted from the start; 0: none (up to 3600000)",
    ),
    (
        "FAULT",
        "",
        "faults on purpose, as in error:0.01,stall:5000/500; also reset, slow_body, reject_above, leak, \
         warm_up, recycle, lose, double",
    ),
];

/// Settings that only the model and compat engines know; one of them chooses the model.
const MODEL_ONLY: [&str; 4] = ["SERVICE_MS", "SERVICE_LAW", "STALL_MS", "STALL_EVERY_MS"];

/// Settings that only the tantivy engine knows.
const TANTIVY_ONLY: [&str; 4] = ["ACK_MS", "REFRESH_MS", "DURABILITY", "DATA"];

/// How requests reach the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrontKind {
    /// Keep-alive connections, one queue, many workers.
    Pool,
    /// Every worker accepts connections itself and closes them after one answer.
    Prefork,
}

/// What a worker does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// Keeps every document, durable and searchable.
    Tantivy,
    /// Sleeps for the service time.
    Model,
    /// Burns CPU for the service time.
    Compat,
}

/// How service times are spread about their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LawKind {
    /// All the same.
    Const,
    /// Exponential.
    Exp,
    /// Log-normal with a coefficient of variation of 0.5.
    Lognormal,
}

/// The settings of one server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Number of workers, at least one.
    pub(crate) workers: usize,
    /// Workers for queries alone; with none, the others serve them.
    pub(crate) query_workers: usize,
    /// How requests reach the workers.
    pub(crate) front: FrontKind,
    /// Requests that may wait in the pool's queue.
    pub(crate) queue: usize,
    /// Backlog of the listening socket.
    pub(crate) backlog: i32,
    /// Requests after which a pre-forked worker is replaced; `None` for never.
    pub(crate) max_requests: Option<u64>,
    /// How long the replacement takes.
    pub(crate) restart_ns: u64,
    /// What a worker does with a request.
    pub(crate) engine: EngineKind,
    /// Mean service time.
    pub(crate) service_mean_ns: f64,
    /// Spread of the service times.
    pub(crate) service_law: LawKind,
    /// When all workers stand still, by `FAULT` or by settings of their own.
    pub(crate) stalls: Stalls,
    /// What goes wrong on purpose.
    pub(crate) faults: fault::Plan,
    /// The tantivy engine's settings.
    pub(crate) store: StoreSettings,
}

impl Settings {
    /// Reads all settings; `lookup` gives the text of a variable, or `None` where it is not set.
    pub(crate) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let source = Source { lookup };
        // The least is one nanosecond: below, no service time would be left after rounding.
        let wanted = "a number of milliseconds over 0, up to 60000";
        let service_ms = source.milliseconds("SERVICE_MS", 0.000_001, wanted)?;
        let max_requests = source.whole("MAX_REQUESTS", 0, 1_000_000_000)?;
        let mut settings = Self {
            workers: source.whole("WORKERS", 1, 1024)?,
            query_workers: source.whole("QUERY_WORKERS", 0, 1024)?,
            front: source
                .one_of("FRONT", &[("pool", FrontKind::Pool), ("prefork", FrontKind::Prefork)])?,
            queue: source.whole("QUEUE", 0, 1_000_000)?,
            backlog: source.whole("BACKLOG", 1, 65_535)?,
            max_requests: (max_requests > 0).then_some(max_requests),
            restart_ns: source.whole("RESTART_MS", 0, 60_000)? * MILLISECOND_NS,
            engine: engine(&source)?,
            service_mean_ns: service_ms * MILLISECOND_NS as f64,
            service_law: source.one_of(
                "SERVICE_LAW",
                &[
                    ("const", LawKind::Const),
                    ("exp", LawKind::Exp),
                    ("lognormal", LawKind::Lognormal),
                ],
            )?,
            stalls: Stalls::read(&source)?,
            faults: fault::Plan::read(&source)?,
            store: StoreSettings::read(&source)?,
        };
        settings.refuse_what_compat_lacks()?;
        settings.stalls = settings.faults.stalls_beside(settings.stalls)?;
        let of_tantivy = TANTIVY_ONLY.iter().find(|name| source.is_given(name));
        if let Some(name) = of_tantivy.filter(|_| settings.engine != EngineKind::Tantivy) {
            return Err(complaint(name, "needs ENGINE=tantivy"));
        }
        if settings.query_workers > 0 && settings.front == FrontKind::Prefork {
            return Err(complaint("QUERY_WORKERS", "must be 0 with FRONT=prefork"));
        }
        Ok(settings)
    }

    /// The compat engine does what the published server does; a setting that it would silently
    /// leave out is refused, because the figures would then be read wrongly.
    fn refuse_what_compat_lacks(&self) -> Result<(), SettingError> {
        if self.engine != EngineKind::Compat {
            return Ok(());
        }
        if self.service_law != LawKind::Const {
            return Err(complaint("SERVICE_LAW", "must be const with ENGINE=compat"));
        }
        if self.stalls != Stalls::default() {
            return Err(complaint("STALL_MS", "must be 0 with ENGINE=compat"));
        }
        Ok(())
    }
}

/// The engine that was asked for; where none was, a setting of the model asks for the model, so
/// that command lines from before there was another engine mean what they meant.
fn engine<F: Fn(&str) -> Option<String>>(source: &Source<F>) -> Result<EngineKind, SettingError> {
    let of_the_model = MODEL_ONLY.iter().find(|name| source.is_given(name));
    if !source.is_given("ENGINE") && of_the_model.is_some() {
        return Ok(EngineKind::Model);
    }
    let engine = source.one_of(
        "ENGINE",
        &[
            ("tantivy", EngineKind::Tantivy),
            ("model", EngineKind::Model),
            ("compat", EngineKind::Compat),
        ],
    )?;
    match of_the_model {
        Some(name) if engine == EngineKind::Tantivy => Err(complaint(
            name,
            "has no meaning with ENGINE=tantivy; leave it out, or use ENGINE=model",
        )),
        _ => Ok(engine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn every_default_can_be_used() {
        let settings = read(&[]).expect("the defaults");
        assert_eq!((settings.workers, settings.queue), (4, 1000), "workers and queue");
        assert_eq!(settings.max_requests, Some(2000), "requests before a replacement");
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        let bad = [
            ("WORKERS", &["0", "4x", "-1", "1025", "", "4.0"][..]),
            ("FRONT", &["thread", "POOL"]),
            ("QUEUE", &["-1", "1e3"]),
            ("BACKLOG", &["0", "99999"]),
            ("MAX_REQUESTS", &["-1", "many"]),
            ("RESTART_MS", &["-1", "60001"]),
            ("ENGINE", &["Tantivy", "lucene", ""]),
            ("QUERY_WORKERS", &["-1", "1025", "two"]),
            ("ACK_MS", &["-1", "NaN", "inf", "60001", "", "4ms"]),
            ("REFRESH_MS", &["9", "0", "60001", "1.5"]),
            ("DURABILITY", &["fsync", "never", "Async"]),
            ("DATA", &["a\u{fffd}b"]),
            ("SERVICE_MS", &["-1", "0", "NaN", "inf", "60001", "1e-9", "ten\nlines"]),
            ("SERVICE_LAW", &["normal"]),
            ("STALL_MS", &["-1", "5"]),
            ("STALL_EVERY_MS", &["x"]),
            ("FAULT", &["error", "error:2", "fire:1", "err\nor:1"]),
        ];
        for (name, texts) in bad {
            for text in texts {
                let error = read(&[(name, text)]).expect_err(text).to_string();
                assert!(error.contains(name) && !error.contains('\n'), "{name}={text}: {error}");
            }
        }
    }

    #[test]
    fn every_variable_in_the_list_is_read() {
        for (name, ..) in VARIABLES {
            // DATA takes any text that names a folder.
            assert!(read(&[(name, "?\u{fffd}")]).is_err(), "{name} is listed but nothing reads it");
        }
    }

    #[test]
    fn a_setting_of_the_model_chooses_the_model_unless_an_engine_is_named() {
        assert_eq!(read(&[]).expect("defaults").engine, EngineKind::Tantivy, "the default");
        for (name, text) in [("SERVICE_MS", "10"), ("SERVICE_LAW", "const"), ("STALL_MS", "0")] {
            let settings = read(&[(name, text)]).expect(name);
            assert_eq!(settings.engine, EngineKind::Model, "{name} alone");
            let error = read(&[(name, text), ("ENGINE", "tantivy")]).expect_err(name).to_string();
            assert!(error.starts_with(name) && error.contains("tantivy"), "{error}");
        }
    }

    #[test]
    fn settings_of_tantivy_are_refused_with_other_engines() {
        let given = [("ACK_MS", "4"), ("REFRESH_MS", "50"), ("DURABILITY", "async"), ("DATA", "x")];
        for (name, text) in given {
            assert!(read(&[(name, text)]).is_ok(), "{name} alone");
            for engine in [("ENGINE", "model"), ("ENGINE", "compat"), ("SERVICE_MS", "5")] {
                let error = read(&[(name, text), engine]).expect_err(name).to_string();
                assert!(error.starts_with(name) && error.contains("ENGINE"), "{error}");
            }
        }
    }

    #[test]
    fn query_workers_need_the_pool() {
        assert!(read(&[("QUERY_WORKERS", "2")]).is_ok(), "the pool");
        let error = read(&[("QUERY_WORKERS", "2"), ("FRONT", "prefork")]).expect_err("prefork");
        assert!(error.to_string().starts_with("QUERY_WORKERS"), "{error}");
    }

    #[test]
    fn a_stall_needs_a_longer_period() {
        let error = read(&[("STALL_MS", "5"), ("STALL_EVERY_MS", "5")]).expect_err("too long");
        assert!(error.to_string().starts_with("STALL_MS must be less"), "{error}");
        assert!(read(&[("STALL_MS", "5"), ("STALL_EVERY_MS", "6")]).is_ok(), "long enough");
    }

    #[test]
    fn compat_refuses_what_it_would_leave_out() {
        let law = read(&[("ENGINE", "compat"), ("SERVICE_LAW", "exp")]);
        assert!(law.expect_err("a law").to_string().contains("SERVICE_LAW"), "the law");
        let stall = read(&[("ENGINE", "compat"), ("STALL_MS", "5"), ("STALL_EVERY_MS", "9")]);
        assert!(stall.expect_err("a stall").to_string().contains("STALL_MS"), "the stall");
    }
}

//! The clients that are compared: how each is called, and what it says it has done.

use std::process::{Command, Stdio};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::Value;

use crate::resident;
use crate::server::Nginx;

/// The core of the clients.
const CORE: &str = "1";
const CONNECTIONS: u32 = 32;
/// Shares of the closed loops' best rate that our tool is asked for.
const STEPS: [f64; 11] = [0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0];

/// What one run cost.
pub(crate) struct Measured {
    pub(crate) cpu_us: f64,
    pub(crate) requests: f64,
    pub(crate) lateness_p50_ms: Option<f64>,
    pub(crate) lateness_p99_ms: Option<f64>,
}

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Plimsoll,
    Oha,
    H2load,
    Hey,
    Vegeta,
    K6,
    Locust,
    Autocannon,
    Wrk,
}

/// Every client that is installed; the others are named.
pub(crate) fn installed() -> Vec<Tool> {
    let all = [
        Tool::Plimsoll,
        Tool::Oha,
        Tool::H2load,
        Tool::Hey,
        Tool::Vegeta,
        Tool::K6,
        Tool::Locust,
        Tool::Autocannon,
        Tool::Wrk,
    ];
    let (there, missing): (Vec<Tool>, Vec<Tool>) =
        all.into_iter().partition(|tool| *tool == Tool::Plimsoll || tool.is_there());
    for tool in missing {
        println!("left out: {} is not installed ({})", tool.name(), tool.cure());
    }
    there
}

/// The highest rate, a share of `most`, of which our tool gets at least 99 % accepted and leaves none unsent.
pub(crate) fn highest_open(server: &Nginx, most: f64) -> f64 {
    let mut reached = 0.0;
    for share in STEPS {
        let rate = (most * share).round();
        let text = Tool::Plimsoll.output(&plimsoll_arguments(server, &format!("{rate}"), 3), rate);
        let Some(stream) = stream_of(&text) else { break };
        let count = |key: &str| number(&stream, &["counts", key]).unwrap_or_default();
        if count("accepted") < 0.99 * count("scheduled") || count("unsent") > 0.0 {
            break;
        }
        reached = rate;
    }
    reached
}

/// The most memory that our tool holds while it offers `rate`, in megabytes.
pub(crate) fn resident_mb(server: &Nginx, rate: u32, seconds: u32) -> f64 {
    let mut tool = Command::new("taskset")
        .args(["-c", CORE, env!("CARGO_BIN_EXE_plimsoll")])
        .args(plimsoll_arguments(server, &rate.to_string(), seconds))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tool runs");
    resident::most_mb(&mut tool)
}

impl Tool {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plimsoll => "plimsoll",
            Self::Oha => "oha",
            Self::H2load => "h2load",
            Self::Hey => "hey",
            Self::Vegeta => "vegeta",
            Self::K6 => "k6",
            Self::Locust => "locust",
            Self::Autocannon => "autocannon",
            Self::Wrk => "wrk",
        }
    }

    const fn cure(self) -> &'static str {
        match self {
            Self::Plimsoll => "it is built with this bench",
            Self::Oha => "cargo install --locked oha",
            Self::H2load => "Debian: nghttp2-client",
            Self::Hey => "Debian: hey",
            Self::Vegeta => "go install github.com/tsenart/vegeta/v12@latest",
            Self::K6 => "go install go.k6.io/k6@latest",
            Self::Locust => "pip install locust",
            Self::Autocannon => "npm install -g autocannon",
            Self::Wrk => "Debian: wrk",
        }
    }

    /// Whether it can hold a rate.
    pub(crate) fn is_open(self) -> bool {
        self != Self::Wrk
    }

    fn is_there(self) -> bool {
        Command::new(self.name())
            .arg(if self == Self::Vegeta { "-version" } else { "--version" })
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    }

    fn output(self, arguments: &[String], rate: f64) -> String {
        let program = match self {
            Self::Plimsoll => env!("CARGO_BIN_EXE_plimsoll"),
            // It reports what it has written to a pipe.
            Self::Vegeta => "sh",
            _ => self.name(),
        };
        let output = Command::new("taskset")
            .args(["-c", CORE, program])
            .args(arguments)
            .env("RATE", rate.to_string())
            .stderr(Stdio::null())
            .output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    /// Offers `rate` for `seconds`.
    pub(crate) fn paced(self, server: &Nginx, rate: u32, seconds: u32) -> Option<Measured> {
        let arguments = self.arguments(server, rate, seconds)?;
        let before_s = children_s();
        let text = self.output(&arguments, f64::from(rate));
        let cpu_s = children_s() - before_s;
        let requests = self.requests(&text)?;
        let stream = stream_of(&text);
        let late = |key| stream.as_ref().and_then(|stream| number(stream, &["lateness_ms", key]));
        Some(Measured {
            cpu_us: cpu_s * 1e6 / requests,
            requests,
            lateness_p50_ms: late("p50"),
            lateness_p99_ms: late("p99"),
        })
    }

    /// How it is asked for `rate` over `seconds`; `None` when it cannot hold one.
    fn arguments(self, server: &Nginx, rate: u32, seconds: u32) -> Option<Vec<String>> {
        let body = server.folder.path().join("body.json").display().to_string();
        let each = (rate / CONNECTIONS).max(1);
        let url = server.index();
        let folder = server.folder.path().display();
        let text = match self {
            Self::Plimsoll => return Some(plimsoll_arguments(server, &rate.to_string(), seconds)),
            Self::Oha => format!(
                "--no-tui --output-format json --latency-correction -m POST -T application/json -D {body} -c {CONNECTIONS} -q {rate} -z {seconds}s {url}"
            ),
            Self::H2load => format!(
                "--h1 -t1 -c {CONNECTIONS} --rps {each} -D {seconds} -d {body} -H content-type:application/json {url}"
            ),
            Self::Hey => format!(
                "-z {seconds}s -c {CONNECTIONS} -q {each} -m POST -T application/json -D {body} {url}"
            ),
            Self::Vegeta => {
                let script = format!(
                    "vegeta attack -rate={rate}/1s -duration={seconds}s -max-workers=512 -connections=512 -targets={folder}/vegeta.txt | vegeta report -type=json"
                );
                return Some(vec!["-c".to_owned(), script]);
            }
            Self::K6 => format!(
                "run --quiet --no-usage-report -e RATE={rate} -e SECONDS={seconds} -e URL={url} {folder}/k6.js"
            ),
            Self::Locust => format!(
                "--headless --skip-log -u {CONNECTIONS} -r {CONNECTIONS} -t {seconds}s --json -H {} -f {folder}/locustfile.py",
                server.url
            ),
            Self::Autocannon => format!(
                "-c {CONNECTIONS} -R {rate} -d {seconds} -m POST -H content-type=application/json -i {body} --json {url}"
            ),
            Self::Wrk => return None,
        };
        Some(text.split_whitespace().map(str::to_owned).collect())
    }

    /// As many requests a second as it can, in a closed loop.
    pub(crate) fn flat_out(self, server: &Nginx) -> Option<f64> {
        let script = server.folder.path().join("post.lua").display().to_string();
        let arguments = ["-t1", "-c32", "-d4s", "-s", &script, &server.index()].map(str::to_owned);
        let text = self.output(&arguments, 0.0);
        after(&text, "Requests/sec:")
    }

    /// How many requests it says it has had answered.
    fn requests(self, text: &str) -> Option<f64> {
        match self {
            Self::Plimsoll => number(&stream_of(text)?, &["counts", "accepted"]),
            Self::Oha => {
                let json: Value = serde_json::from_str(text).ok()?;
                number(&json, &["statusCodeDistribution", "200"])
            }
            Self::Vegeta => number(&stream_of(text)?, &["status_codes", "200"]),
            Self::K6 => number(&stream_of(text)?, &["requests"]),
            Self::Locust => number(stream_of(text)?.get(0)?, &["num_requests"]),
            Self::Autocannon => number(&stream_of(text)?, &["2xx"]),
            Self::H2load => after(text, "requests:"),
            Self::Hey => after(text, "[200]"),
            Self::Wrk => None,
        }
        .filter(|requests| *requests > 0.0)
    }
}

fn plimsoll_arguments(server: &Nginx, rate: &str, seconds: u32) -> Vec<String> {
    [
        "load",
        "--json",
        "ARRIVALS=stratified",
        &format!("TARGET={}", server.url),
        &format!("RPS={rate}"),
        &format!("DURATION_S={seconds}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn stream_of(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn number(json: &Value, path: &[&str]) -> Option<f64> {
    path.iter().try_fold(json, |json, key| json.get(key))?.as_f64()
}

/// The number that follows `label`.
fn after(text: &str, label: &str) -> Option<f64> {
    let rest = text.split(label).nth(1)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Processor time of all children that have ended, in seconds.
fn children_s() -> f64 {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()))
}

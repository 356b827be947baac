//! Settings of runs on several machines: how many agents, on which bus, and what an agent may be sent against.

use anyhow::{Result, anyhow, bail};
use hyper::Uri;

use super::keys::Command;
use super::sources::shorten;
use super::target::BaseUrl;
use super::values::Values;

/// More agents have no slots to be dealt.
const AGENTS_MOST: u32 = crate::schedule::deal::AGENTS_MOST;
/// The port where NATS listens unless somebody says otherwise.
const NATS_PORT: u16 = 4222;

/// What a run on several machines, or an agent of one, is told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BusSettings {
    /// Agents that the run wants; `None`: this machine sends alone.
    pub agents: Option<u32>,
    /// Where NATS is.
    pub url: Option<String>,
    /// The most that the clock of an agent may be unsure by, in milliseconds.
    pub clock_error_ms: f64,
    /// What the agent adds to its clock, in milliseconds.
    pub clock_ahead_ms: f64,
    /// What the agent may send to.
    pub allowed: Vec<AllowedTarget>,
    /// What the agent is called; `None`: by the bus.
    pub name: Option<String>,
}

/// Targets that an agent may send to: a host with one port, or with all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedTarget {
    host: String,
    /// `None`: any.
    port: Option<u16>,
}

impl AllowedTarget {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.trim().rsplit_once(':')?;
        let port = match port {
            "*" => None,
            digits => Some(digits.parse().ok().filter(|port| *port > 0)?),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_host = !host.is_empty() && !host.contains(['*', '/', '@', ' ', '[', ']']);
        is_host.then(|| Self { host: host.to_ascii_lowercase(), port })
    }

    /// Whether it allows the service at `base`. Names are compared as they stand, and not looked up.
    #[must_use]
    pub fn permits(&self, base: &BaseUrl) -> bool {
        self.host == base.host.to_ascii_lowercase()
            && self.port.is_none_or(|port| port == base.port)
    }

    /// As it is given.
    #[must_use]
    pub fn text(&self) -> String {
        let port = self.port.map_or_else(|| "*".to_owned(), |port| port.to_string());
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }
}

/// Reads and checks them.
pub(super) fn bus(command: Command, values: &Values<'_>) -> Result<BusSettings> {
    let agents = values.whole_or("AGENTS", "none", 1, AGENTS_MOST)?;
    let url = values.text("NATS").map(|(text, _)| text).filter(|text| *text != "none");
    let url = url.map(bus_url).transpose()?;
    let wanted = "a number of milliseconds above 0, at most 10000";
    let clock_error_ms = values.number("CLOCK_ERROR_MS", wanted, 0.001, 10_000.0)?;
    let wanted = "a number of milliseconds from 0 to 1000000";
    let settings = BusSettings {
        agents,
        url,
        clock_error_ms,
        clock_ahead_ms: values.number("CLOCK_AHEAD_MS", wanted, 0.0, 1e6)?,
        allowed: allowed(values)?,
        name: name(values)?,
    };
    match (command, &settings.url) {
        (Command::Agent, None) => {
            bail!("NATS must be given: where the agent is found, such as nats://127.0.0.1:4222")
        }
        (Command::Agent, _) if settings.allowed.is_empty() => bail!(
            "ALLOW_TARGET must be given: what this agent may be sent against, such as service.example:8080"
        ),
        (Command::Agent, _) => {}
        (_, None) if agents.is_some() => {
            bail!("AGENTS needs NATS, such as NATS=nats://127.0.0.1:4222")
        }
        (_, Some(_)) if agents.is_none() && command != Command::Config => {
            bail!("NATS needs AGENTS, how many are to send; leave it out to send from this machine")
        }
        _ => {}
    }
    if !cfg!(feature = "nats") && (settings.url.is_some() || agents.is_some()) {
        bail!("this build has no agents; build it with the feature `nats`");
    }
    Ok(settings)
}

fn bus_url(text: &str) -> Result<String> {
    if text.contains('@') {
        // Not shown: what stands before the @ may be a password.
        bail!("NATS must not hold a user or a password; set NATS_TOKEN, NATS_NKEY or NATS_CREDS");
    }
    let wrong = || {
        anyhow!(
            "NATS must be nats://host:port, or tls:// where it is encrypted, not \"{}\"",
            shorten(text)
        )
    };
    let uri: Uri = text.parse().ok().ok_or_else(wrong)?;
    let is_scheme = matches!(uri.scheme_str(), Some("nats" | "tls"));
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    match uri.host() {
        Some(host) if is_scheme && is_bare && !host.is_empty() => Ok(format!(
            "{}://{host}:{}",
            uri.scheme_str().unwrap_or("nats"),
            uri.port_u16().unwrap_or(NATS_PORT)
        )),
        _ => Err(wrong()),
    }
}

fn allowed(values: &Values<'_>) -> Result<Vec<AllowedTarget>> {
    let wanted = "host:port or host:*, several with commas, such as service.example:8080";
    values.parse("ALLOW_TARGET", wanted, |text| match text {
        "none" => Some(Vec::new()),
        text => text.split(',').map(AllowedTarget::parse).collect(),
    })
}

fn name(values: &Values<'_>) -> Result<Option<String>> {
    let wanted = "letters, digits, - _ and ., at most 64";
    values.parse("NAME", wanted, |text| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = (1..=64).contains(&text.len()) && text.bytes().all(is_letter);
        match text {
            "auto" => Some(None),
            text => is_name.then(|| Some(text.to_owned())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::target::Target;

    fn base(text: &str) -> BaseUrl {
        match Target::parse(text) {
            Ok(Target::Url(base)) => base,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_agent_sends_to_what_is_on_its_list_and_to_nothing_else() {
        let list = ["api.example:8080", "127.0.0.1:*", "[::1]:99"];
        let list: Vec<_> =
            list.into_iter().map(|text| AllowedTarget::parse(text).unwrap()).collect();
        let permits = |url: &str| list.iter().any(|allowed| allowed.permits(&base(url)));
        for good in [
            "http://api.example:8080",
            "https://API.example:8080",
            "http://127.0.0.1:7",
            "http://[::1]:99",
        ] {
            assert!(permits(good), "{good}");
        }
        for bad in [
            "http://api.example:8081",
            "http://api.example",
            "http://127.0.0.2:7",
            "http://x.api.example:8080",
            "http://[::1]:98",
            "http://127.0.0.1.example:7",
        ] {
            assert!(!permits(bad), "{bad}");
        }
    }

    #[test]
    fn what_allows_everything_is_no_entry_of_the_list() {
        for bad in
            ["*:80", "*", "host", "host:", "host:0", "host:x", ":80", "http://host:80", "a b:1"]
        {
            assert_eq!(AllowedTarget::parse(bad), None, "{bad}");
        }
        for good in ["host:80", "[::1]:*", "10.0.0.1:443"] {
            assert_eq!(AllowedTarget::parse(good).unwrap().text(), good, "told as it is given");
        }
    }

    #[test]
    fn the_address_of_the_bus_holds_no_password_and_gets_its_port() {
        assert_eq!(bus_url("nats://bus").unwrap(), "nats://bus:4222", "the usual port");
        assert_eq!(bus_url("tls://10.0.0.1:4443/").unwrap(), "tls://10.0.0.1:4443", "encrypted");
        for bad in ["bus:4222", "http://bus", "nats://", "nats://a/b", "nats://u:hunter2@bus"] {
            let error = bus_url(bad).expect_err(bad).to_string();
            assert!(error.starts_with("NATS") && !error.contains("hunter2"), "{bad}: {error}");
        }
    }
}

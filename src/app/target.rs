//! What `TARGET` and `LAUNCH` mean: a service that the tool starts, or the base URL of one that runs.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Result, bail};
use hyper::Uri;

use super::sources::shorten;

/// The published image of the example server.
pub const PUBLISHED_IMAGE: &str = "drorwolmer/stress_test";
/// What a start command must hold.
const PORT: &str = "{port}";
/// What it may hold.
const WORKERS: &str = "{workers}";

/// The system under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The example API, started by the tool.
    Embedded,
    /// A container of an image, started by the tool.
    Docker {
        /// The image.
        image: String,
    },
    /// A service that the tool starts with the user's own command.
    Command(StartCommand),
    /// A service that is already running.
    Url(BaseUrl),
}

/// A start command, taken apart as a shell would; none runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCommand {
    /// As it was given.
    pub text: String,
    words: Vec<String>,
}

impl StartCommand {
    /// Reads the value of `LAUNCH`.
    ///
    /// # Errors
    /// One line with the cure when it cannot be taken apart or has no place for the port.
    pub fn parse(text: &str) -> Result<Self> {
        let shown = shorten(text);
        let Some(words) = shlex::split(text) else {
            bail!("LAUNCH ends within quotes or an escape: close it, not \"{shown}\"");
        };
        if !words.iter().any(|word| word.contains(PORT)) {
            bail!(
                "LAUNCH must hold {PORT}, as in LAUNCH='server --listen 127.0.0.1:{PORT}', not \"{shown}\""
            );
        }
        Ok(Self { text: text.to_owned(), words })
    }

    /// Program and arguments, with everything filled in.
    #[must_use]
    pub fn filled(&self, workers: &str, port: &str) -> Vec<String> {
        let fill = |word: &String| word.replace(WORKERS, workers).replace(PORT, port);
        self.words.iter().map(fill).collect()
    }
}

/// Where a running service is: `http://host[:port]` or `https://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// The URL without a slash at its end.
    pub text: String,
    /// Name or address, IPv6 without brackets.
    pub host: String,
    /// 80 where none was given, 443 for https.
    pub port: u16,
    /// Whether connections are encrypted.
    pub is_encrypted: bool,
}

impl BaseUrl {
    /// Whether the service is on this machine by its very address: no name is looked up, because what
    /// a name stands for can change between the check and the load.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            || self.host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// The value of a `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.split_once("//").map_or(self.text.as_str(), |(_, authority)| authority)
    }
}

impl Target {
    /// Whether it runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Embedded | Self::Docker { .. } | Self::Command(_) => true,
            Self::Url(url) => url.is_loopback(),
        }
    }

    /// What its document numbers are kept under: what is started has another port each time.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Embedded => "embedded".to_owned(),
            Self::Docker { image } => format!("docker {image}"),
            Self::Command(command) => format!("launch {}", command.text),
            Self::Url(url) => url.text.clone(),
        }
    }

    /// Reads the value of `TARGET`.
    ///
    /// # Errors
    /// One line with the cure when it is neither `embedded` nor `docker` nor the base URL of a service.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "embedded" => return Ok(Self::Embedded),
            "docker" => return Ok(Self::Docker { image: PUBLISHED_IMAGE.to_owned() }),
            _ => {}
        }
        if text.contains('@') {
            // Not shown: what stands before the @ may be a password.
            bail!("TARGET must not hold a user or a password; use http://host:port alone");
        }
        let shown = shorten(text);
        let Some(uri) = text.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some()) else {
            bail!(
                "TARGET must be embedded, docker or a URL such as http://127.0.0.1:1234, not \"{shown}\""
            );
        };
        let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            bail!("TARGET must begin with http:// or https://, not \"{shown}\"");
        }
        let authority = uri.authority().map_or("", hyper::http::uri::Authority::as_str);
        if !matches!(uri.path(), "" | "/") || text.contains(['?', '#']) {
            bail!("TARGET must end after the port: use {scheme}://{authority}, not \"{shown}\"");
        }
        base_url(&scheme, authority, uri.host().unwrap_or_default()).map(Self::Url)
    }
}

fn base_url(scheme: &str, authority: &str, host: &str) -> Result<BaseUrl> {
    let is_encrypted = scheme == "https";
    let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = name.map_or(!host.is_empty(), |name| name.parse::<Ipv6Addr>().is_ok());
    let rest = authority.strip_prefix(host).unwrap_or_default();
    let port = match rest.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().ok().filter(|port| *port > 0),
        None => rest.is_empty().then_some(if is_encrypted { 443 } else { 80 }),
    };
    match port {
        Some(port) if is_host => Ok(BaseUrl {
            text: format!("{scheme}://{authority}"),
            host: name.unwrap_or(host).to_owned(),
            port,
            is_encrypted,
        }),
        _ => bail!(
            "TARGET must name a host and a port from 1 to 65535, as in http://127.0.0.1:1234, not \
             \"http://{}\"",
            shorten(authority)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> BaseUrl {
        match Target::parse(text) {
            Ok(Target::Url(url)) => url,
            other => panic!("{text} is a URL, not {other:?}"),
        }
    }

    #[test]
    fn a_base_url_is_taken_apart() {
        let plain = url("http://127.0.0.1:1234/");
        assert_eq!((plain.host.as_str(), plain.port), ("127.0.0.1", 1234), "host and port");
        assert_eq!(plain.text, "http://127.0.0.1:1234", "no slash at the end");
        let six = url("http://[::1]:99");
        assert_eq!((six.host.as_str(), six.port), ("::1", 99), "IPv6 without brackets");
        assert_eq!(six.authority(), "[::1]:99", "but with brackets in the Host header");
        assert_eq!(url("http://api.example").port, 80, "the port of http");
        let encrypted = url("HTTPS://api.example");
        assert_eq!((encrypted.port, encrypted.is_encrypted), (443, true), "the port of https");
        assert_eq!(encrypted.text, "https://api.example", "in small letters");
    }

    #[test]
    fn a_start_command_is_taken_apart_without_a_shell() {
        let command = StartCommand::parse("a 'b c' --w={workers} $HOME {port}:{port}").unwrap();
        let words = command.filled("4", "81");
        assert_eq!(words, ["a", "b c", "--w=4", "$HOME", "81:81"], "nothing is looked up");
        for bad in ["", "server", "server '{port}", "server {workers}"] {
            let error = StartCommand::parse(bad).expect_err(bad).to_string();
            assert!(error.starts_with("LAUNCH") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn only_loopback_addresses_are_loopback() {
        for near in ["http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:1", "http://LocalHost"]
        {
            assert!(url(near).is_loopback(), "{near}");
        }
        for far in
            ["http://10.0.0.1", "http://[::2]:1", "http://127.0.0.1.example", "http://localhost.io"]
        {
            assert!(!url(far).is_loopback(), "{far}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_in_one_line() {
        let bad = [
            "",
            "Docker",
            "nonsense",
            "127.0.0.1:1234",
            "http://",
            "http://:80",
            "https://",
            "ftp://127.0.0.1",
            "http://127.0.0.1:0",
            "http://127.0.0.1:",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:1/api",
            "http://127.0.0.1:1/?q",
            "http://127.0.0.1:1/#x",
            "http://user:secret@127.0.0.1",
            "user:secret@127.0.0.1",
            "http://[::g]:1",
            "http://a b",
        ];
        for text in bad {
            let error = Target::parse(text).expect_err(text).to_string();
            assert!(error.contains("TARGET") && !error.contains('\n'), "{text}: {error}");
            assert!(!error.contains("secret"), "a password is never shown: {error}");
        }
    }
}

//! From text to checked values; every complaint names the setting, the value and what would be right.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use hyper::Uri;

use super::exit::Failure;
use super::keys::{Fallback, find};
use super::settings::{BaseUrl, Target};
use super::sources::Chosen;
use crate::units::{LoadPercent, Rps};

/// Highest level in percent.
const PERCENT_MAX: u32 = 1000;

/// The chosen values, with the defaults behind them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    chosen: &'a Chosen,
}

impl<'a> Values<'a> {
    pub(super) const fn new(chosen: &'a Chosen) -> Self {
        Self { chosen }
    }

    /// The text of a setting: chosen, or its default; empty where it has none.
    pub(super) fn text(self, name: &str) -> String {
        if let Some((value, _)) = self.chosen.get(name) {
            return value.trim().to_owned();
        }
        match find(name).map(|key| key.fallback) {
            Some(Fallback::Value(value)) => value.to_owned(),
            _ => String::new(),
        }
    }

    /// A value that only counts when somebody has set it.
    pub(super) fn if_set<T>(
        self,
        name: &'static str,
        read: impl Fn(&'static str) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        self.chosen.contains_key(name).then(|| read(name)).transpose()
    }

    pub(super) fn whole(self, name: &str, range: RangeInclusive<u64>) -> Result<u64, Failure> {
        let text = self.text(name);
        text.parse().ok().filter(|value| range.contains(value)).ok_or_else(|| {
            wrong(name, &text, &format!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    pub(super) fn small(self, name: &str, range: RangeInclusive<u64>) -> Result<u32, Failure> {
        let value = self.whole(name, range)?;
        u32::try_from(value)
            .map_err(|_too_large| wrong(name, &value.to_string(), "a smaller number"))
    }

    pub(super) fn number(self, name: &str, least: f64, most: f64) -> Result<f64, Failure> {
        let text = self.text(name);
        text.parse()
            .ok()
            .filter(|value: &f64| value.is_finite() && (least..=most).contains(value))
            .ok_or_else(|| wrong(name, &text, &format!("a number from {least} to {most}")))
    }

    pub(super) fn rate(self, name: &str) -> Result<Rps, Failure> {
        let text = self.text(name);
        text.parse()
            .ok()
            .and_then(Rps::new)
            .filter(|rate| rate.get() <= 1e7)
            .ok_or_else(|| wrong(name, &text, "a rate above 0 per second, at most 10000000"))
    }

    /// A share above 0 and below 1: at 0 nothing could ever be shown, at 1 nothing could ever be missed.
    pub(super) fn share(self, name: &str) -> Result<f64, Failure> {
        let text = self.text(name);
        text.parse()
            .ok()
            .filter(|value: &f64| *value > 0.0 && *value < 1.0)
            .ok_or_else(|| wrong(name, &text, "a share above 0 and below 1, as in 0.001"))
    }

    pub(super) fn truth(self, name: &str) -> Result<bool, Failure> {
        self.one_of(name, &[("true", true), ("false", false)])
    }

    pub(super) fn one_of<T: Clone>(self, name: &str, known: &[(&str, T)]) -> Result<T, Failure> {
        let text = self.text(name);
        known.iter().find(|(word, _)| *word == text).map(|(_, value)| value.clone()).ok_or_else(
            || {
                let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                wrong(name, &text, &format!("one of {}", words.join(", ")))
            },
        )
    }
}

fn wrong(name: &str, value: &str, right: &str) -> Failure {
    Failure::usage(format!("{name}={value} is not possible; it must be {right}"))
}

/// The levels: percents separated by commas, or `none`.
pub(super) fn load_percents(text: &str) -> Result<Vec<LoadPercent>, Failure> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let right =
        format!("different percentages from 0 to {PERCENT_MAX}, as in 0,50,100,120, or none");
    let mut levels = Vec::new();
    for part in text.split(',') {
        let percent = part.trim().parse().ok().filter(|percent| *percent <= PERCENT_MAX);
        let percent = percent.map(LoadPercent).filter(|percent| !levels.contains(percent));
        levels.push(percent.ok_or_else(|| wrong("LEVELS", text, &right))?);
    }
    Ok(levels)
}

/// What `TARGET` names.
pub(super) fn target_of(text: &str, allow_remote: bool) -> Result<Target, Failure> {
    if text == "embedded" {
        return Ok(Target::Embedded);
    }
    if text == "docker" {
        return Err(Failure::usage(
            "TARGET=docker is not built yet; start the container yourself and use TARGET=http://127.0.0.1:1234",
        ));
    }
    let right = "`embedded` or a base URL such as http://127.0.0.1:1234";
    let uri = Uri::from_str(text).map_err(|_not_a_uri| wrong("TARGET", text, right))?;
    let host = uri.host().filter(|host| !host.is_empty());
    let (Some(scheme), Some(host)) = (uri.scheme_str(), host) else {
        return Err(wrong("TARGET", text, right));
    };
    if scheme == "https" {
        return Err(Failure::usage(format!(
            "TARGET={text}: https is not supported yet; use an http address of the same service"
        )));
    }
    let bare = !matches!(uri.path(), "" | "/") || uri.query().is_some();
    let with_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if scheme != "http" || bare || with_user {
        return Err(wrong("TARGET", text, &format!("{right}, without path, query or user name")));
    }
    let is_loopback = is_loopback(host);
    if !is_loopback && !allow_remote {
        return Err(Failure::usage(format!(
            "TARGET={text} is not this machine; if you may load it, add ALLOW_REMOTE=true"
        )));
    }
    Ok(Target::Url(BaseUrl { text: text.trim_end_matches('/').to_owned(), is_loopback }))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Checks a setting that is handed to the example API, so that a mistake is told before it is started.
pub(super) fn example_api_value(name: &'static str, value: &str) -> Result<(), Failure> {
    let chosen = Chosen::from([(name, (value.to_owned(), super::sources::Origin::Word))]);
    let values = Values::new(&chosen);
    match name {
        "ENGINE" => values.one_of(name, &[("model", ()), ("compat", ())]),
        "FRONT" => values.one_of(name, &[("pool", ()), ("prefork", ())]),
        "SERVICE_LAW" => values.one_of(name, &[("const", ()), ("exp", ()), ("lognormal", ())]),
        "SERVICE_MS" => values.number(name, 0.001, 60_000.0).map(drop),
        "QUEUE" => values.whole(name, 1..=1_000_000).map(drop),
        "BACKLOG" => values.whole(name, 1..=65_535).map(drop),
        _ => values.whole(name, 0..=86_400_000).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_a_target_and_another_only_when_allowed() {
        for text in
            ["http://127.0.0.1:1234", "http://localhost", "http://[::1]:80", "http://127.9.9.9/"]
        {
            assert!(target_of(text, false).is_ok(), "{text}");
        }
        assert!(target_of("http://192.0.2.1:80", false).is_err(), "not without leave");
        assert!(target_of("http://192.0.2.1:80", true).is_ok(), "with leave");
        let Ok(Target::Url(url)) = target_of("http://127.0.0.1:1234/", false) else {
            panic!("a URL");
        };
        assert_eq!(url.text, "http://127.0.0.1:1234", "without the slash");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "127.0.0.1:1234",
            "http://",
            "ftp://127.0.0.1",
            "https://127.0.0.1",
            "docker",
            "",
            "http://127.0.0.1/api",
            "http://me@127.0.0.1",
            "http://127.0.0.1?x=1",
            "hello world",
        ] {
            assert!(target_of(text, true).is_err(), "{text}");
        }
    }

    #[test]
    fn levels_are_different_percentages_or_none() {
        assert_eq!(load_percents("none").unwrap(), [], "none");
        assert_eq!(load_percents("0, 100").unwrap(), [LoadPercent(0), LoadPercent(100)], "two");
        for text in ["", "0,0", "-5", "1001", "a", "50,"] {
            assert!(load_percents(text).is_err(), "{text}");
        }
    }
}

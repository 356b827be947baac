//! Who the tool is to the target: from the environment alone, and never shown.

use std::ffi::OsString;

use anyhow::{Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::live::Secret;

/// `user:password`.
const BASIC: &str = "PLIMSOLL_BASIC_AUTH";
/// A token.
const BEARER: &str = "PLIMSOLL_BEARER_TOKEN";
/// An API key as search engines give it out, already encoded.
const API_KEY: &str = "PLIMSOLL_API_KEY";

/// The environment variables that hold credentials; they are no settings.
pub(super) const CREDENTIALS: [&str; 3] = [BASIC, BEARER, API_KEY];

/// The value of the `Authorization` header, where the environment holds credentials.
///
/// # Errors
/// When it holds two kinds of them, or ones that cannot stand in a header. Their values are not named.
pub(super) fn authorization(environment: &[(OsString, OsString)]) -> Result<Option<Secret>> {
    let mut found: Option<(&str, String)> = None;
    for name in CREDENTIALS {
        let value = environment.iter().find(|(given, _)| given == name).map(|(_, value)| value);
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let Some(value) = value.to_str().filter(|value| value.bytes().all(is_printable)) else {
            bail!("{name} holds characters that no HTTP header may hold; correct it");
        };
        if let Some((other, _)) = found {
            bail!("{other} and {name} are both set; unset one of them");
        }
        if name == BASIC && !value.contains(':') {
            bail!("{name} must be user:password");
        }
        found = Some((name, value.to_owned()));
    }
    Ok(found.map(|(name, value)| {
        Secret(match name {
            BASIC => format!("Basic {}", STANDARD.encode(value)),
            BEARER => format!("Bearer {value}"),
            _ => format!("ApiKey {value}"),
        })
    }))
}

const fn is_printable(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)]) -> Result<Option<Secret>> {
        let given = given.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        authorization(&given.collect::<Vec<_>>())
    }

    #[test]
    fn each_kind_of_credentials_has_its_header() {
        let header = |name, value| of(&[(name, value)]).unwrap().unwrap().0;
        // The example of RFC 7617, section 2.
        let basic = header(BASIC, "Aladdin:open sesame");
        assert_eq!(basic, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "encoded");
        assert_eq!(header(BEARER, "abc"), "Bearer abc", "as it is");
        assert_eq!(header(API_KEY, "a2V5"), "ApiKey a2V5", "as it is");
        assert_eq!(of(&[(BASIC, "")]).unwrap(), None, "an empty variable is none");
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_it() {
        for given in [
            &[(BASIC, "hunter2")][..],
            &[(BEARER, "hunter2\r\nx: y")],
            &[(BASIC, "u:hunter2"), (API_KEY, "hunter2")],
        ] {
            let error = of(given).unwrap_err().to_string();
            assert!(error.contains("PLIMSOLL_") && !error.contains("hunter2"), "{error}");
        }
    }
}

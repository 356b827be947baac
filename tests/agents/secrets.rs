//! Buses that ask who speaks, and buses that encrypt: whoever has the secret comes in, and nobody else.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

use crate::site::server;
use crate::support::bus::{Agent, Bus};
use crate::support::encrypted::certified;
use crate::support::tool::{plimsoll, stderr};

/// An agent that speaks to the bus at `url` with these variables.
fn agent(folder: &Path, url: &str, variables: &[(&str, &str)]) -> Command {
    let nats = format!("NATS={url}");
    let mut command = plimsoll(folder, &["agent", &nats, "ALLOW_TARGET=127.0.0.1:*"]);
    command.envs(variables.iter().copied());
    command
}

/// It comes in with `right`, and neither with `wrong` nor with nothing; no secret is told.
fn only_with(folder: &Path, url: &str, right: &[(&str, &str)], wrong: &[(&str, &str)]) {
    for variables in [wrong, &[]] {
        let refused = agent(folder, url, variables).output().unwrap();
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(4), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(said.contains(&format!("NATS={url}")), "which bus: {said}");
        assert!(said.contains("NATS_"), "and what cures it: {said}");
        for (_, secret) in variables {
            assert!(!said.contains(secret), "{said}");
        }
    }
    drop(Agent::of(agent(folder, url, right)));
}

#[test]
fn a_token_opens_a_bus_that_asks_for_it() {
    let Some(program) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::with(&program, &["--auth", "hunter2"]);
    only_with(
        folder.path(),
        &bus.url(),
        &[("NATS_TOKEN", "hunter2")],
        &[("NATS_TOKEN", "hunter3")],
    );
    let both = [("NATS_TOKEN", "hunter2"), ("NATS_NKEY", "SU")];
    let refused = agent(folder.path(), &bus.url(), &both).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "one secret at a time: {}", stderr(&refused));
}

#[test]
fn an_nkey_opens_a_bus_that_knows_its_public_half() {
    let Some(program) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (known, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let config = folder.path().join("bus.conf");
    let users = format!("authorization {{ users = [ {{ nkey: {} }} ] }}\n", known.public_key());
    fs::write(&config, users).unwrap();
    let bus = Bus::with(&program, &["-c", config.to_str().unwrap()]);
    let seeds = [known.seed().unwrap(), stranger.seed().unwrap()];
    let [right, wrong] = seeds.each_ref().map(|seed| [("NATS_NKEY", seed.as_str())]);
    only_with(folder.path(), &bus.url(), &right, &wrong);
}

/// What `issuer` says of the public key `subject`, signed, as NATS has it: JSON web tokens by Ed25519.
fn token(issuer: &KeyPair, subject: &str, claims: &Value) -> String {
    let head = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let body = json!({"jti": subject, "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": subject, "nats": claims});
    let parts = [head, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = parts.join(".");
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_credentials_file_opens_a_bus_of_the_operator_who_signed_it() {
    let Some(program) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
    let owner =
        token(&operator, &operator.public_key(), &json!({"type": "operator", "version": 2}));
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
        "wildcards": true, "conn": -1, "leaf": -1});
    let tenant = json!({"type": "account", "version": 2, "limits": limits});
    let tenant = token(&operator, &account.public_key(), &tenant);
    let config = folder.path().join("bus.conf");
    let text = format!(
        "operator: {owner}\nresolver: MEMORY\nresolver_preload: {{ {}: {tenant} }}\n",
        account.public_key()
    );
    fs::write(&config, text).unwrap();
    let bus = Bus::with(&program, &["-c", config.to_str().unwrap()]);
    let file = |name: &str, account: &KeyPair| {
        let user = KeyPair::new_user();
        let claims = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
        let (jwt, seed) = (token(account, &user.public_key(), &claims), user.seed().unwrap());
        let path = folder.path().join(name);
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (file("right", &account), file("wrong", &KeyPair::new_account()));
    only_with(folder.path(), &bus.url(), &[("NATS_CREDS", &right)], &[("NATS_CREDS", &wrong)]);
    let missing = [("NATS_CREDS", "nowhere.creds")];
    let refused = agent(folder.path(), &bus.url(), &missing).output().unwrap();
    assert!(stderr(&refused).contains("NATS_CREDS"), "{}", stderr(&refused));
}

#[test]
fn an_encrypted_bus_is_spoken_to_when_its_certificate_is_trusted() {
    let Some(program) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let certified = certified();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ca = path("ca.pem", &certified.authority_pem);
    let other = path("other.pem", &crate::support::encrypted::certified().authority_pem);
    let cert = path("bus.pem", &certified.certificate.pem());
    let key = path("bus.key", &certified.key.serialize_pem());
    let bus = Bus::with(&program, &["--tls", "--tlscert", &cert, "--tlskey", &key]);
    let url = bus.url().replace("nats://", "tls://");
    only_with(folder.path(), &url, &[("NATS_CA", &ca)], &[("NATS_CA", &other)]);
    // Whoever asks for encryption does not speak in the open.
    let open = Bus::start(&program);
    let url = open.url().replace("nats://", "tls://");
    let refused = agent(folder.path(), &url, &[("NATS_CA", &ca)]).output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
}

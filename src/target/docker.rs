//! A container as the system under test: what is asked of the Docker engine.

use std::time::Duration;

use super::guard::run_within;
use super::own::OwnPlan;
use crate::profile::exchange::shown;

/// The client of the engine.
const DOCKER: &str = "docker";
/// Where the published server listens in its container.
const INNER_PORT: u16 = 1234;
/// An engine that does not answer within this is none.
const ENGINE_LIMIT: Duration = Duration::from_secs(10);
/// An image may take so long to come.
const PULL_LIMIT: Duration = Duration::from_secs(600);
/// Of what the client says so much is shown.
const EXCERPT_CHARS: usize = 160;

/// Why there can be no container.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// No engine.
    #[error(
        "TARGET=docker: no Docker engine answers ({0}); start one, or leave TARGET out: the embedded example API needs none"
    )]
    NoEngine(String),
    /// No image.
    #[error("IMAGE={image} is not here and cannot be pulled ({reason}); correct its name")]
    NoImage {
        /// The image.
        image: String,
        /// What the client said.
        reason: String,
    },
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Makes sure that an engine answers and has `image`; `told` hears that it must be pulled.
///
/// # Errors
/// When there is no engine, or no such image.
pub fn make_ready(
    image: &str,
    is_interrupted: &dyn Fn() -> bool,
    told: impl Fn(&str),
) -> Result<(), DockerError> {
    let asked = words(&[DOCKER, "version", "--format", "{{.Server.Version}}"]);
    match run_within(&asked, ENGINE_LIMIT, is_interrupted) {
        Ok(said) if said.is_success => {}
        Ok(said) => return Err(DockerError::NoEngine(excerpt(&said.stderr))),
        Err(error) => return Err(DockerError::NoEngine(format!("`{DOCKER}`: {error}"))),
    }
    let inspect = words(&[DOCKER, "image", "inspect", image]);
    if run_within(&inspect, ENGINE_LIMIT, is_interrupted).is_ok_and(|said| said.is_success) {
        return Ok(());
    }
    told(&format!("pulling {image}"));
    let failed = |reason| DockerError::NoImage { image: image.to_owned(), reason };
    match run_within(&words(&[DOCKER, "pull", "--quiet", image]), PULL_LIMIT, is_interrupted) {
        Ok(said) if said.is_success => Ok(()),
        Ok(said) => Err(failed(excerpt(&said.stderr))),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn excerpt(stderr: &str) -> String {
    let line = stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    shown(line, EXCERPT_CHARS)
}

/// How a container of `image` is started and removed. The client stays in the foreground: its end is the container's,
/// and what the server says is heard.
#[must_use]
pub fn plan(image: &str, name: &str, workers: u32, port: u16) -> OwnPlan {
    let workers = format!("WORKERS={workers}");
    // Bound to the loopback: a container that is under test is for nobody else.
    let published = format!("127.0.0.1:{port}:{INNER_PORT}");
    OwnPlan {
        command: words(&[
            DOCKER, "run", "--rm", "--name", name, "-e", &workers, "-p", &published, image,
        ]),
        cleanup: words(&[DOCKER, "rm", "--force", name]),
        port,
        variables: Vec::new(),
    }
}

//! `example-api`: a document API whose true capacity is known, for tools that look for it.
//!
//! Two fronts bring requests to the workers ([`pool`], [`prefork`]). Two engines only say what one
//! request costs ([`engine`]), a third keeps every document, durable and searchable ([`store`]);
//! [`metrics`] tells the truth about all of them. [`fault`] makes it go wrong on purpose,
//! [`openapi`] describes the interface.

mod api;
mod canonical;
mod catalogue;
mod clock;
mod connection;
mod document;
mod engine;
mod fault;
mod metrics;
mod openapi;
mod patience;
mod pool;
mod prefork;
mod query;
mod server;
mod settings;
mod shutdown;
mod source;
mod stall;
mod store;
mod window;
mod worker;

use std::io::Write;
use std::process::ExitCode;

/// Wrong usage or settings, or a port that is taken.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments = server::command().get_matches();
    match server::run(&arguments, |name| std::env::var_os(name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nobody is left to tell when standard error is closed.
            drop(writeln!(std::io::stderr(), "example-api: {message}"));
            ExitCode::from(EXIT_USAGE)
        }
    }
}

//! The `plimsoll` command: runs the program, prints what went wrong, returns the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match plimsoll::app::run(std::env::args_os()) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            plimsoll::term::complain(&format!("plimsoll: {:#}", failure.error));
            ExitCode::from(failure.exit.code())
        }
    }
}

//! Plimsoll finds the highest rate that an HTTP service sustains, and what its users feel at that rate.
//!
//! Pure layers decide, a thin shell acts; `ARCHITECTURE.md` has the tour. From below: [`units`] and
//! [`seed`]; [`schedule`], [`stats`], [`corpus`], [`trial`] and [`profile`]; [`search`] and [`edge`];
//! [`campaign`]; [`report`]; and beside them [`sim`], which runs whole campaigns in virtual time. [`live`],
//! [`target`], [`files`], [`term`] and [`page`] touch the world; [`app`] wires everything.
//!
//! # Glossary
//!
//! * *due, taken, sent, done*: when the schedule wanted a request, when the generator took it up, when
//!   its first byte was offered to a connected socket, when the last byte of its answer was there.
//! * *response time*: due to done = *lateness* (due to taken) + *waiting time* (taken to sent) +
//!   *service time* (sent to done).
//! * *trial*: one stretch of load; *stream*: one endpoint's arrivals within it; *level*: a trial at a
//!   percentage of the capacity.
//! * *verdict* of a trial: sustained, overloaded, void (the generator's fault), undecided.
//! * *finding* of a search: `capacity`, or why there is none.
//!
//! # A target in virtual time
//!
//! ```
//! use plimsoll::seed::Seed;
//! use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
//! use plimsoll::sim::target::{Reply, Target};
//!
//! // Two workers of 10 ms: what a simulated target does with three requests at once.
//! let plan = TargetPlan::plain(2, 10.0, ServiceLaw::Constant);
//! assert_eq!(plan.saturation_rps(), 200.0);
//! let mut target = Target::new(plan, Seed(1));
//! let replies = [0, 0, 0].map(|at_ns| target.arrive(at_ns));
//! assert_eq!(replies[2], Reply::Answered { at_ns: 20_000_000, status: 200, right: true });
//! ```

pub mod agents;
pub mod app;
#[cfg(feature = "nats")]
pub mod bus;
pub mod campaign;
pub mod corpus;
pub mod edge;
pub mod files;
pub mod live;
pub mod page;
pub mod profile;
pub mod report;
pub mod schedule;
pub mod search;
pub mod seed;
pub mod sim;
pub mod stats;
pub mod target;
pub mod term;
pub mod trial;
pub mod units;

//! How large a share of its requests a service sheds whose room to wait is limited.
//!
//! The number waiting is a random walk between nothing and the room for it. Below the capacity it drifts
//! down by x = 1 - rate / capacity a request; what the upper barrier takes away is lost. In the long run
//! that is the share x / (exp(2 x room) - 1), with the room in units of the walk's variance per request
//! (Harrison, "Brownian Motion and Stochastic Flow Systems", 1985, section 5.6). A token bucket is the same
//! walk, its burst the room.

/// Loads closer to 1 than this are taken as this.
const NEAREST: f64 = 1e-6;

/// Share of requests that are shed at `spare` = 1 - rate / capacity with that much `room`, 0..=1.
///
/// `spare` may be below zero: above the capacity.
#[must_use]
pub fn shed_ratio(spare: f64, room: f64) -> f64 {
    let spare = if spare.abs() < NEAREST { NEAREST } else { spare };
    (spare / (2.0 * spare * room).exp_m1()).clamp(0.0, 1.0)
}

/// The room with which a share of `allowed_ratio` is shed at `spare` > 0.
#[must_use]
pub fn room(spare: f64, allowed_ratio: f64) -> f64 {
    let spare = spare.max(NEAREST);
    (spare / allowed_ratio).ln_1p() / (2.0 * spare)
}

/// The `spare` at which a share of `allowed_ratio` is shed with that much `room`, 0..=0.9: the inverse of
/// [`room`].
#[must_use]
pub fn spare(room_wanted: f64, allowed_ratio: f64) -> f64 {
    const HALVINGS: u32 = 40;
    let (mut low, mut high) = (NEAREST, 0.9);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if room(middle, allowed_ratio) > room_wanted { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// By how much a burst of shed requests outgrows a single one, at `spare`: the variance of their number over
/// its mean, for a walk of `variance` per request.
#[must_use]
pub fn burst(spare: f64, variance: f64) -> f64 {
    const LEAST_SPARE: f64 = 0.01;
    1.0 + variance / spare.abs().max(LEAST_SPARE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_room_sheds_what_it_was_made_for(spare in 0.001..0.5_f64, allowed in 1e-5..0.01_f64) {
            let shed = shed_ratio(spare, room(spare, allowed));
            prop_assert!((shed / allowed - 1.0).abs() < 1e-6, "{shed} of {allowed}");
            let back = super::spare(room(spare, allowed), allowed);
            prop_assert!((back / spare - 1.0).abs() < 1e-6, "{back} of {spare}");
        }

        #[test]
        fn more_load_sheds_more(spare in -0.5..0.5_f64, room in 5.0..500.0_f64) {
            prop_assert!(shed_ratio(spare - 0.01, room) >= shed_ratio(spare, room));
        }
    }

    #[test]
    fn a_bucket_of_twenty_sheds_a_thousandth_at_88_percent() {
        // Poisson arrivals have variance 1; long runs say 202.4/s of 230/s (docs/method.md).
        assert!((shed_ratio(1.0 - 202.4 / 230.0, 20.0) / 0.001 - 1.0).abs() < 0.05);
        // A queue of 50 and log-normal service of variation 0.5: 218.6/s of 230/s.
        assert!((shed_ratio(1.0 - 218.6 / 230.0, 50.0 / 1.25) / 0.001 - 1.0).abs() < 0.1);
    }

    #[test]
    fn far_above_the_capacity_the_excess_is_shed() {
        assert!((shed_ratio(-0.5, 100.0) - 0.5).abs() < 1e-9, "half of the capacity too much");
    }
}

//! The Universal Scalability Law: how a capacity grows with workers, and where it stops growing.
//!
//! X(N) = γN / (1 + α(N−1) + βN(N−1)): γ is what one worker does, α the share of work that only one can do at a time,
//! β what workers cost each other in pairs. Neither cost can be negative: where a fit wants one that is, the best fit
//! with it at zero is taken, and said.
//! Source: Gunther, "Guerrilla Capacity Planning", Springer 2007, chapters 4 to 6.

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::storage::Owned;
use nalgebra::{DMatrix, DVector, Dyn};

use super::forecast::student_t;
use crate::units::usize_to_u64;

/// Counts of workers from which three parameters can be fitted.
const COUNTS_LEAST: usize = 3;
/// Counts from which the fit says how wrong it may be.
const COUNTS_OF_ERRORS: usize = 4;

/// Steps after the least squares; each gains a digit or more.
const POLISH_STEPS: usize = 8;
/// What rounding may add to a sum of squares.
const POLISH_ROUNDING: f64 = 1e-9;

/// The capacity that was measured with a number of workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Workers, at least 1.
    pub workers: f64,
    /// Documents per second, over 0.
    pub rps: f64,
}

/// The law with its three parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Contention: the share of work that only one worker can do at a time, at least 0.
    pub alpha: f64,
    /// Coherency: what each pair of workers costs, at least 0.
    pub beta: f64,
    /// Documents per second of one worker.
    pub gamma_rps: f64,
}

/// One parameter of the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// [`Usl::alpha`].
    Alpha,
    /// [`Usl::beta`].
    Beta,
    /// [`Usl::gamma_rps`].
    Gamma,
}

impl Parameter {
    /// In the order of a covariance.
    const ALL: [Self; 3] = [Self::Alpha, Self::Beta, Self::Gamma];

    /// As it is written in formulas.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Gamma => "gamma",
        }
    }
}

impl Usl {
    /// Documents per second with so many workers.
    #[must_use]
    pub fn rps(&self, workers: f64) -> f64 {
        self.gamma_rps * workers / self.cost(workers)
    }

    /// The number of workers at which the capacity is greatest, at least 1; `None` where it never falls.
    #[must_use]
    pub fn peak_workers(&self) -> Option<f64> {
        // With α over 1 a second worker costs more than it brings.
        if self.alpha > 1.0 {
            return Some(1.0);
        }
        (self.beta > 0.0).then(|| ((1.0 - self.alpha) / self.beta).sqrt().max(1.0))
    }

    /// What no whole number of workers exceeds; `None` where there is no such rate.
    #[must_use]
    pub fn most_rps(&self) -> Option<f64> {
        match self.peak_workers() {
            Some(workers) => Some(self.rps(workers.floor()).max(self.rps(workers.ceil()))),
            None if self.alpha > 0.0 => Some(self.gamma_rps / self.alpha),
            None => None,
        }
    }

    fn cost(&self, workers: f64) -> f64 {
        1.0 + self.alpha * (workers - 1.0) + self.beta * workers * (workers - 1.0)
    }

    fn value(&self, parameter: Parameter) -> f64 {
        match parameter {
            Parameter::Alpha => self.alpha,
            Parameter::Beta => self.beta,
            Parameter::Gamma => self.gamma_rps,
        }
    }

    fn with(mut self, parameter: Parameter, value: f64) -> Self {
        match parameter {
            Parameter::Alpha => self.alpha = value,
            Parameter::Beta => self.beta = value,
            Parameter::Gamma => self.gamma_rps = value,
        }
        self
    }

    /// How the rate changes with `parameter`.
    fn slope(&self, parameter: Parameter, workers: f64) -> f64 {
        let cost = self.cost(workers);
        match parameter {
            Parameter::Alpha => -self.rps(workers) * (workers - 1.0) / cost,
            Parameter::Beta => -self.rps(workers) * workers * (workers - 1.0) / cost,
            Parameter::Gamma => workers / cost,
        }
    }

    fn is_possible(&self) -> bool {
        let is_share = |value: f64| value.is_finite() && value >= 0.0;
        is_share(self.alpha)
            && is_share(self.beta)
            && self.gamma_rps.is_finite()
            && self.gamma_rps > 0.0
    }

    fn squares(&self, points: &[Point]) -> f64 {
        points.iter().map(|point| (self.rps(point.workers) - point.rps).powi(2)).sum()
    }
}

/// The law that fits best.
#[derive(Debug, Clone, PartialEq)]
pub struct UslFit {
    /// Its parameters.
    pub law: Usl,
    /// The costs that would have had to be negative and are held at zero.
    pub at_zero: Vec<Parameter>,
    /// Counts of workers less parameters: what is left to tell the error from.
    pub degrees_of_freedom: u64,
    /// How far capacities lie from the law, in documents per second; `None` under four counts.
    pub residual_rps: Option<f64>,
    student_t: Option<f64>,
    free: Vec<Parameter>,
    /// Covariance of the parameters, in the order of `ALL`; zero where one is held.
    covariance: Option<[[f64; 3]; 3]>,
}

impl UslFit {
    /// Fits the law to `points` of different counts, whatever their order; `None` under three.
    ///
    /// Nonlinear least squares (Levenberg and Marquardt), from the linear form N/X = (1 + α(N−1) + βN(N−1)) / γ on.
    #[must_use]
    pub fn of(points: &[Point]) -> Option<Self> {
        use Parameter::{Alpha, Beta, Gamma};
        if points.len() < COUNTS_LEAST {
            return None;
        }
        // Where the least of all squares is out of bounds, the least within them lies on a bound.
        let (law, free) = best(points, &[&[Alpha, Beta, Gamma]])
            .or_else(|| best(points, &[&[Alpha, Gamma], &[Beta, Gamma], &[Gamma]]))?;
        let at_zero: Vec<Parameter> =
            [Alpha, Beta].into_iter().filter(|parameter| !free.contains(parameter)).collect();
        let degrees_of_freedom = usize_to_u64(points.len().saturating_sub(free.len()));
        let has_errors = points.len() >= COUNTS_OF_ERRORS;
        let variance = law.squares(points) / degrees_of_freedom as f64;
        Some(Self {
            law,
            at_zero,
            degrees_of_freedom,
            residual_rps: has_errors.then(|| variance.sqrt()),
            student_t: student_t(degrees_of_freedom),
            free: free.to_vec(),
            covariance: has_errors.then(|| covariance(&law, points, free, variance)).flatten(),
        })
    }

    /// Standard error of a parameter; `None` where it is held at zero, and under four counts.
    #[must_use]
    pub fn standard_error(&self, parameter: Parameter) -> Option<f64> {
        let rows = self.covariance.as_ref()?.iter().zip(Parameter::ALL);
        let mut variances = rows.zip(0..).filter_map(|((row, own), place)| {
            let is_asked = own == parameter && self.free.contains(&own);
            row.get::<usize>(place).filter(|_| is_asked)
        });
        variances.next().map(|variance| variance.sqrt())
    }

    /// Between which rates the law lies with so many workers, each end one-sided 95 %; `None` under four counts.
    ///
    /// Delta method: the law is taken as straight within the errors of its parameters, Student's t with the degrees of
    /// freedom.
    #[must_use]
    pub fn band_rps(&self, workers: f64) -> Option<(f64, f64)> {
        let slopes = Parameter::ALL.map(|parameter| self.law.slope(parameter, workers));
        let weighted = self.covariance.as_ref()?.iter().zip(slopes).map(|(row, slope)| {
            slope * row.iter().zip(slopes).map(|(one, other)| one * other).sum::<f64>()
        });
        let error_rps = weighted.sum::<f64>().max(0.0).sqrt();
        let reach_rps = self.student_t? * error_rps;
        let rps = self.law.rps(workers);
        Some(((rps - reach_rps).max(0.0), rps + reach_rps))
    }
}

/// The possible law with the least squares, of those that leave some parameters free.
fn best<'a>(points: &[Point], candidates: &[&'a [Parameter]]) -> Option<(Usl, &'a [Parameter])> {
    let start = linear_start(points);
    let laws = candidates.iter().map(|free| (minimize(points, free, start), *free));
    laws.filter(|(law, _)| law.is_possible())
        .min_by(|(one, _), (other, _)| one.squares(points).total_cmp(&other.squares(points)))
}

/// Residual variance × (JᵀJ)⁻¹, spread to all three parameters.
fn covariance(
    law: &Usl,
    points: &[Point],
    free: &[Parameter],
    variance: f64,
) -> Option<[[f64; 3]; 3]> {
    let inverse = inverse_normal(&jacobian(law, points, free))?;
    let place = |parameter| free.iter().position(|other| *other == parameter);
    let entry = |one, other| {
        let found = place(one).zip(place(other)).and_then(|places| inverse.get(places));
        found.map_or(0.0, |entry| entry * variance)
    };
    Some(Parameter::ALL.map(|one| Parameter::ALL.map(|other| entry(one, other))))
}

/// (JᵀJ)⁻¹, with columns brought to one length first: β is a millionth of γ.
fn inverse_normal(jacobian: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let lengths = jacobian.column_iter().map(|column| 1.0 / column.norm());
    let lengths = DVector::from_iterator(jacobian.ncols(), lengths);
    let scale = DMatrix::from_diagonal(&lengths);
    let scaled = jacobian * &scale;
    let inverse = (scaled.transpose() * scaled).try_inverse()?;
    Some(&scale * inverse * &scale)
}

fn jacobian(law: &Usl, points: &[Point], free: &[Parameter]) -> DMatrix<f64> {
    let slopes = points
        .iter()
        .flat_map(|point| free.iter().map(|parameter| law.slope(*parameter, point.workers)));
    DMatrix::from_row_iterator(points.len(), free.len(), slopes)
}

/// N/X is linear in 1/γ, α/γ and β/γ: near enough to start from.
fn linear_start(points: &[Point]) -> Usl {
    let rows = points.iter().flat_map(|point| {
        let others = point.workers - 1.0;
        [1.0, others, point.workers * others]
    });
    let matrix = DMatrix::from_row_iterator(points.len(), COUNTS_LEAST, rows);
    let wanted = points.iter().map(|point| point.workers / point.rps);
    let wanted = DVector::from_iterator(points.len(), wanted);
    let solved = matrix.svd(true, true).solve(&wanted, 1e-12).unwrap_or_default();
    let mut parts = solved.iter().copied();
    let inverse = parts.next().filter(|inverse| *inverse > 0.0);
    let Some(inverse) = inverse else {
        // A single worker of no rate at all: begin with the best that any worker did.
        let gamma_rps = points.iter().map(|point| point.rps / point.workers).fold(0.0, f64::max);
        return Usl { alpha: 0.0, beta: 0.0, gamma_rps };
    };
    let mut cost = || parts.next().map_or(0.0, |part| (part / inverse).max(0.0));
    Usl { alpha: cost(), beta: cost(), gamma_rps: 1.0 / inverse }
}

fn minimize(points: &[Point], free: &[Parameter], start: Usl) -> Usl {
    let mut law = Usl { alpha: 0.0, beta: 0.0, ..start };
    for parameter in free {
        law = law.with(*parameter, start.value(*parameter));
    }
    let law = LevenbergMarquardt::new().minimize(Problem { points, free, law }).0.law;
    polished(points, free, law).unwrap_or(law)
}

/// The sum of squares is flat at its least and tells half of the digits; its slope tells the others, by Gauss and
/// Newton. `None` where that leads away.
fn polished(points: &[Point], free: &[Parameter], rough: Usl) -> Option<Usl> {
    let mut law = rough;
    for _ in 0..POLISH_STEPS {
        let problem = Problem { points, free, law };
        let jacobian = problem.jacobian()?;
        let step = inverse_normal(&jacobian)? * jacobian.transpose() * problem.residuals()?;
        for (parameter, step) in free.iter().zip(step.iter()) {
            law = law.with(*parameter, law.value(*parameter) - step);
        }
    }
    (law.squares(points) <= rough.squares(points) * (1.0 + POLISH_ROUNDING)).then_some(law)
}

struct Problem<'a> {
    points: &'a [Point],
    free: &'a [Parameter],
    law: Usl,
}

impl LeastSquaresProblem<f64, Dyn, Dyn> for Problem<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, Dyn>;
    type ParameterStorage = Owned<f64, Dyn>;

    fn set_params(&mut self, values: &DVector<f64>) {
        for (parameter, value) in self.free.iter().zip(values.iter()) {
            self.law = self.law.with(*parameter, *value);
        }
    }

    fn params(&self) -> DVector<f64> {
        let values = self.free.iter().map(|parameter| self.law.value(*parameter));
        DVector::from_iterator(self.free.len(), values)
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        let missed = self.points.iter().map(|point| self.law.rps(point.workers) - point.rps);
        Some(DVector::from_iterator(self.points.len(), missed))
    }

    fn jacobian(&self) -> Option<DMatrix<f64>> {
        Some(jacobian(&self.law, self.points, self.free))
    }
}

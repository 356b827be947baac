//! A chart as a value: axes, series, marks. It becomes an SVG that needs no script, and the data from which
//! the page's script draws the same chart again, to be pointed at.
//!
//! Both ways share the axes, the ticks, the colours and the shapes, so that nobody sees another chart than the
//! next reader.

use plotters::drawing::DrawingAreaErrorKind;
use serde::Serialize;

use super::axis::{Axis, Span};
use super::look::{Shape, Tone};
use super::svg;

/// Height of a chart where nothing else is said, in pixels of its 860 pixels of width.
pub const HEIGHT_PX: u32 = 330;

/// Points of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What they are, for the legend.
    pub label: String,
    /// Their colour.
    pub tone: Tone,
    /// How they are drawn.
    pub shape: Shape,
    /// Abscissa and value, by growing abscissa; without a value a line is interrupted.
    pub points: Vec<(f64, Option<f64>)>,
    /// What is told of each point when it is pointed at; empty, or as many as points.
    pub hints: Vec<String>,
    /// Whether the label stands at the end of the line as well.
    pub is_labelled: bool,
}

impl Series {
    /// A series without hints and without a label of its own.
    #[must_use]
    pub fn new(
        label: impl Into<String>,
        tone: Tone,
        shape: Shape,
        points: Vec<(f64, Option<f64>)>,
    ) -> Self {
        let label = label.into();
        Self { label, tone, shape, points, hints: Vec::new(), is_labelled: false }
    }
}

/// One of the two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The horizontal one.
    X,
    /// The vertical one.
    Y,
}

/// A line across the plot at a value of one axis, or a band between two.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// The axis that the values belong to.
    pub side: Side,
    /// The value.
    pub from: f64,
    /// The other end of a band; none for a line.
    pub to: Option<f64>,
    /// What it is; may be empty.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
}

/// Fields of a heat map: columns of equal width, rows of equal ratio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cells {
    /// Where the first column begins.
    pub x_low: f64,
    /// Width of a column.
    pub x_step: f64,
    /// Where the first row begins.
    pub y_low: f64,
    /// Upper end of a row divided by its lower end.
    pub y_ratio: f64,
    /// Column, row, depth of the colour from 1 to [`Cells::DEPTHS`], count.
    pub filled: Vec<[u64; 4]>,
    /// What each depth means, the palest first: for the legend.
    #[serde(skip)]
    pub depths: Vec<String>,
}

impl Cells {
    /// Depths of colour that the style sheet has.
    pub const DEPTHS: u64 = 6;
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Its name within the page: letters and hyphens.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, the first one undermost.
    pub series: Vec<Series>,
    /// What is drawn below the series.
    pub marks: Vec<Mark>,
    /// A heat map below the series.
    pub cells: Option<Cells>,
    /// Height, where the width is 860.
    pub height_px: u32,
    /// Whether a part of the horizontal axis may be looked at closely.
    pub is_zoomed: bool,
}

/// A chart ready for the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The chart's name within the page.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// The chart as SVG, with the colours of the style sheet.
    pub svg: String,
    /// Label, colour and shape of each series.
    pub legend: Vec<Key>,
    /// What each depth of a heat map means, the palest first.
    pub depths: Vec<String>,
    /// What the script draws it from.
    #[serde(skip)]
    pub data: serde_json::Value,
}

/// A line of a legend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// What the series is.
    pub label: String,
    /// Its colour.
    pub tone: Tone,
    /// Its shape.
    pub shape: Shape,
}

/// What the drawing library refuses with.
pub type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The drawing failed.
    #[error("the chart `{id}` could not be drawn: {source}")]
    Drawing {
        /// The chart.
        id: String,
        /// Why.
        source: DrawError,
    },
    /// Its data are none that JSON has.
    #[error("the chart `{id}` has no data for the page: {source}")]
    Data {
        /// The chart.
        id: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Chart {
    /// A chart without marks.
    #[must_use]
    pub fn new(id: &str, title: &str, x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            x,
            y,
            series,
            marks: Vec::new(),
            cells: None,
            height_px: HEIGHT_PX,
            is_zoomed: false,
        }
    }

    /// The chart for the page; `None` where there is nothing to be seen on it.
    ///
    /// # Errors
    /// When it cannot be drawn: a fault of this program, not of the data.
    pub fn figure(&self) -> Result<Option<Figure>, ChartError> {
        let Some((x, y)) = self.spans() else { return Ok(None) };
        let svg = svg::draw(self, &x, &y)
            .map_err(|source| ChartError::Drawing { id: self.id.clone(), source })?;
        let data = serde_json::to_value(Data::new(self, &x, &y))
            .map_err(|source| ChartError::Data { id: self.id.clone(), source })?;
        let legend = self.series.iter().filter(|series| !series.points.is_empty());
        let legend = legend.map(|series| Key {
            label: series.label.clone(),
            tone: series.tone,
            shape: series.shape,
        });
        let (id, title) = (self.id.clone(), self.title.clone());
        let depths = self.cells.as_ref().map(|cells| cells.depths.clone()).unwrap_or_default();
        Ok(Some(Figure { id, title, svg, legend: legend.collect(), depths, data }))
    }

    /// The extent of both axes; `None` without a single value.
    fn spans(&self) -> Option<(Span, Span)> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let drawn = || points().filter_map(|(x, y)| Some((*x, (*y)?)));
        let cells = self.cells.iter().flat_map(Cells::corners);
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = drawn().chain(cells).unzip();
        if xs.is_empty() {
            return None;
        }
        for mark in &self.marks {
            let into = if mark.side == Side::X { &mut xs } else { &mut ys };
            into.extend([Some(mark.from), mark.to].into_iter().flatten());
        }
        self.x.span(&xs).zip(self.y.span(&ys))
    }
}

impl Cells {
    /// The extent of all fields, as two of its corners.
    fn corners(&self) -> Vec<(f64, f64)> {
        let last = |part: usize| self.filled.iter().filter_map(|cell| cell.get(part)).max();
        let (Some(column), Some(row)) = (last(0), last(1)) else { return Vec::new() };
        vec![
            (self.x_low, self.y_low),
            (
                self.x_low + (*column + 1) as f64 * self.x_step,
                self.y_low * self.y_ratio.powf((*row + 1) as f64),
            ),
        ]
    }
}

/// A chart as the script takes it.
#[derive(Serialize)]
struct Data<'a> {
    id: &'a str,
    height_px: u32,
    is_zoomed: bool,
    x: &'a Span,
    y: &'a Span,
    series: Vec<SeriesData<'a>>,
    marks: &'a [Mark],
    cells: Option<&'a Cells>,
}

#[derive(Serialize)]
struct SeriesData<'a> {
    label: &'a str,
    tone: Tone,
    shape: Shape,
    xs: Vec<f64>,
    ys: Vec<Option<f64>>,
    hints: &'a [String],
    is_labelled: bool,
}

impl<'a> Data<'a> {
    fn new(chart: &'a Chart, x: &'a Span, y: &'a Span) -> Self {
        let series = chart.series.iter().map(|series| SeriesData {
            label: &series.label,
            tone: series.tone,
            shape: series.shape,
            xs: series.points.iter().map(|(x, _)| five_digits(*x)).collect(),
            ys: series.points.iter().map(|(_, y)| y.map(five_digits)).collect(),
            hints: &series.hints,
            is_labelled: series.is_labelled,
        });
        Self {
            id: &chart.id,
            height_px: chart.height_px,
            is_zoomed: chart.is_zoomed,
            x,
            y,
            series: series.collect(),
            marks: &chart.marks,
            cells: chart.cells.as_ref(),
        }
    }
}

/// Rounded: more than a screen shows, and half the size of the page.
fn five_digits(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, Option<f64>)>) -> Chart {
        let series = Series::new("kind", Tone::First, Shape::Line, points);
        Chart::new("a", "A", Axis::linear("documents/s"), Axis::log("ms"), vec![series])
    }

    #[test]
    fn a_chart_without_a_value_is_no_figure() {
        for points in
            [vec![], vec![(1.0, None)], vec![(1.0, Some(f64::NAN))], vec![(1.0, Some(0.0))]]
        {
            let figure = chart(points.clone()).figure().unwrap();
            assert_eq!(figure, None, "{points:?} cannot be seen on a logarithmic axis");
        }
    }

    #[test]
    fn a_gap_parts_a_line_and_a_lone_point_is_seen() {
        let points = vec![(1.0, Some(2.0)), (2.0, Some(3.0)), (3.0, None), (4.0, Some(5.0))];
        let svg = chart(points).figure().unwrap().unwrap().svg;
        let stroke = "stroke=\"var(--first)\"";
        assert_eq!(svg.matches(stroke).count(), 1, "one stretch of two points: {svg}");
        assert_eq!(svg.matches("<circle").count(), 1, "and one point alone: {svg}");
    }

    #[test]
    fn names_in_a_chart_open_no_tag() {
        let mut chart = chart(vec![(1.0, Some(2.0)), (2.0, Some(3.0))]);
        let label = "<script>alert(1)</script>\"'".to_owned();
        chart.x.label.clone_from(&label);
        chart.marks.push(Mark { side: Side::Y, from: 2.5, to: None, label, tone: Tone::Bad });
        let svg = chart.figure().unwrap().unwrap().svg;
        assert!(!svg.contains("<script") && svg.contains("&lt;script"), "{svg}");
    }
}

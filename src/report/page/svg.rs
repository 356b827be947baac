//! A chart as SVG: what is seen without the script, and on paper.
//!
//! The drawing library knows plain colours only. Each tone is drawn in a colour that nothing else has and
//! becomes a variable of the style sheet afterwards, so that the same drawing suits light and dark paper.

use std::fmt::Write;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, Circle, DrawingArea, IntoDrawingArea, PathElement, Polygon, RGBColor, Rectangle,
    SVGBackend, ShapeStyle, Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont};

use super::axis::Span;
use super::chart::{Cells, Chart, DrawError, Mark, Series, Side};
use super::look::{Shape, Tone};

type Area<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Paper<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Steps of the drawing per pixel: the library knows whole steps only.
const FINE: i32 = 4;
/// Width of a chart in pixels.
const WIDTH_PX: i32 = 860;
const LEFT_PX: i32 = 58;
const RIGHT_PX: i32 = 24;
/// Room for labels at the ends of lines.
const RIGHT_LABELLED_PX: i32 = 72;
const TOP_PX: i32 = 30;
/// Room for names above the plot as well.
const TOP_NAMED_PX: i32 = 44;
const BOTTOM_PX: i32 = 44;
const TEXT_PX: f64 = 12.5;
/// Least distance of labels at the ends of lines.
const LABEL_STEP_PX: i32 = 15;

/// Draws `chart` within the extent `x` and `y`.
///
/// # Errors
/// When the drawing library refuses; nothing in a chart should make it.
pub(super) fn draw(chart: &Chart, x: &Span, y: &Span) -> Result<String, DrawError> {
    let height_px = i32::try_from(chart.height_px).unwrap_or(i32::MAX / FINE);
    let size = (steps(WIDTH_PX), steps(height_px));
    let mut text = String::new();
    let mut under = String::new();
    {
        let paper = SVGBackend::with_string(&mut text, size).into_drawing_area();
        let is_labelled = chart.series.iter().any(|series| series.is_labelled);
        let right_px = if is_labelled { RIGHT_LABELLED_PX } else { RIGHT_PX };
        let across = LEFT_PX * FINE..(WIDTH_PX - right_px) * FINE;
        let is_named =
            chart.marks.iter().any(|mark| mark.side == Side::X && !mark.label.is_empty());
        let top_px = if is_named { TOP_NAMED_PX } else { TOP_PX };
        // Greater values stand higher on the paper.
        let upwards = (height_px - BOTTOM_PX) * FINE..top_px * FINE;
        let area: Area<'_> =
            paper.apply_coord_spec(Cartesian2d::new(range(x), range(y), (across, upwards)));
        let pen = Pen { paper: &paper, area: &area, x, y };
        if let Some(cells) = &chart.cells {
            under = pen.cells(cells);
        }
        pen.bands(&chart.marks)?;
        pen.axes()?;
        for series in &chart.series {
            pen.series(series)?;
        }
        pen.lines(&chart.marks)?;
        pen.labels(&chart.series)?;
        paper.present()?;
    }
    Ok(themed(&text, &under))
}

fn range(span: &Span) -> std::ops::Range<f64> {
    span.place(span.low)..span.place(span.high)
}

/// Never negative: all of them are constants, or a height that fits.
fn steps(pixels: i32) -> u32 {
    u32::try_from(pixels.saturating_mul(FINE)).unwrap_or_default()
}

struct Pen<'a, 'b> {
    paper: &'a Paper<'b>,
    area: &'a Area<'b>,
    x: &'a Span,
    y: &'a Span,
}

impl Pen<'_, '_> {
    /// The place of a value on the paper, within the plot.
    fn at(&self, x: f64, y: f64) -> (i32, i32) {
        self.area.map_coordinate(&(self.x.place(x), self.y.place(y)))
    }

    fn text(
        &self,
        text: &str,
        at: (i32, i32),
        tone: Tone,
        anchor: (HPos, VPos),
    ) -> Result<(), DrawError> {
        let font = ("sans-serif", TEXT_PX * f64::from(FINE) * 1.24).into_font();
        let colour = ink(tone);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(anchor.0, anchor.1));
        self.paper.draw(&Text::new(text.to_owned(), at, style))
    }

    fn path(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> Result<(), DrawError> {
        self.paper.draw(&PathElement::new(points, style))
    }

    fn axes(&self) -> Result<(), DrawError> {
        let (left, bottom) = self.at(self.x.low, self.y.low);
        let (right, _) = self.at(self.x.high, self.y.high);
        for (at, label) in &self.y.ticks {
            let (_, place) = self.at(self.x.low, *at);
            self.path(vec![(left, place), (right, place)], line(Tone::Rule, 4))?;
            self.text(label, (left - 8 * FINE, place), Tone::Soft, (HPos::Right, VPos::Center))?;
        }
        for (at, label) in &self.x.ticks {
            let (place, _) = self.at(*at, self.y.low);
            self.path(vec![(place, bottom), (place, bottom + 4 * FINE)], line(Tone::Soft, 4))?;
            self.text(label, (place, bottom + 7 * FINE), Tone::Soft, (HPos::Center, VPos::Top))?;
        }
        self.path(vec![(left, bottom), (right, bottom)], line(Tone::Soft, 4))?;
        let above = (2 * FINE, 11 * FINE);
        self.text(&self.y.label, above, Tone::Soft, (HPos::Left, VPos::Center))?;
        let below = (right, bottom + 26 * FINE);
        self.text(&self.x.label, below, Tone::Soft, (HPos::Right, VPos::Top))
    }

    fn bands(&self, marks: &[Mark]) -> Result<(), DrawError> {
        for mark in marks {
            let Some(to) = mark.to else { continue };
            let corners = match mark.side {
                Side::X => [self.at(mark.from, self.y.high), self.at(to, self.y.low)],
                Side::Y => [self.at(self.x.low, to), self.at(self.x.high, mark.from)],
            };
            self.paper.draw(&Rectangle::new(corners, ink(mark.tone).mix(0.13).filled()))?;
        }
        Ok(())
    }

    /// Lines across the plot, and the names of lines and bands.
    fn lines(&self, marks: &[Mark]) -> Result<(), DrawError> {
        let (left, bottom) = self.at(self.x.low, self.y.low);
        let (right, top) = self.at(self.x.high, self.y.high);
        // Names stand above the plot, as many as there is room for.
        let mut free = i32::MIN;
        for mark in marks {
            if mark.side == Side::Y {
                let (_, place) = self.at(self.x.low, mark.to.unwrap_or(mark.from));
                if mark.to.is_none() {
                    self.path(vec![(left, place), (right, place)], line(mark.tone, 6))?;
                }
                let gap = if place - top < 16 * FINE { 9 * FINE } else { -9 * FINE };
                let at = (left + 6 * FINE, place + gap);
                self.text(&mark.label, at, mark.tone, (HPos::Left, VPos::Center))?;
                continue;
            }
            let (from, _) = self.at(mark.from, self.y.low);
            let (to, _) = self.at(mark.to.unwrap_or(mark.from), self.y.low);
            let half = half_width(&mark.label);
            if mark.to.is_none() {
                self.path(vec![(from, bottom), (from, top)], line(mark.tone, 6))?;
            }
            let middle = i32::midpoint(from, to).min(right - half).max(left + half);
            let has_room = mark.to.is_none() || half < to - from;
            if has_room && middle - half >= free && !mark.label.is_empty() {
                free = middle + half + 4 * FINE;
                let at = (middle, top - 9 * FINE);
                self.text(&mark.label, at, mark.tone, (HPos::Center, VPos::Center))?;
            }
        }
        Ok(())
    }

    fn series(&self, series: &Series) -> Result<(), DrawError> {
        let is_line = matches!(series.shape, Shape::Line | Shape::Dashed | Shape::Steps);
        if is_line {
            // Each stretch without a gap is a line of its own.
            for stretch in series.points.split(|(_, y)| y.is_none()) {
                let points = stretch.iter().filter_map(|(x, y)| Some(self.at(*x, (*y)?)));
                self.stretch(points.collect(), series)?;
            }
            return Ok(());
        }
        for (x, y) in &series.points {
            if let Some(y) = y {
                self.point(self.at(*x, *y), series)?;
            }
        }
        Ok(())
    }

    fn stretch(&self, points: Vec<(i32, i32)>, series: &Series) -> Result<(), DrawError> {
        let style = match series.shape {
            Shape::Dashed => dashed(series.tone, 6),
            _ => line(series.tone, 8),
        };
        match (points.as_slice(), series.shape) {
            ([], _) => Ok(()),
            // A line of one point would not be seen.
            ([only], _) => {
                self.paper.draw(&Circle::new(*only, 2 * FINE, ink(series.tone).filled()))
            }
            (_, Shape::Steps) => self.path(stairs(&points), style),
            _ => self.path(points, style),
        }
    }

    fn point(&self, at: (i32, i32), series: &Series) -> Result<(), DrawError> {
        let (x, y) = at;
        let (filled, empty) = (ink(series.tone).filled(), line(series.tone, 7));
        let kite = |size: i32| [(x, y - size), (x + size, y), (x, y + size), (x - size, y)];
        let closed = |corners: [(i32, i32); 4]| {
            let [first, ..] = corners;
            corners.into_iter().chain([first]).collect::<Vec<_>>()
        };
        match series.shape {
            Shape::Dot => self.paper.draw(&Circle::new(at, 17, filled)),
            Shape::Ring => self.paper.draw(&Circle::new(at, 16, empty)),
            Shape::Cross => {
                self.path(vec![(x - 15, y - 15), (x + 15, y + 15)], line(series.tone, 9))?;
                self.path(vec![(x - 15, y + 15), (x + 15, y - 15)], line(series.tone, 9))
            }
            Shape::Square => {
                let corners =
                    [(x - 14, y - 14), (x + 14, y - 14), (x + 14, y + 14), (x - 14, y + 14)];
                self.path(closed(corners), empty)
            }
            Shape::Diamond => self.paper.draw(&Polygon::new(kite(20), filled)),
            Shape::Kite | Shape::Line | Shape::Dashed | Shape::Steps => {
                self.path(closed(kite(19)), empty)
            }
        }
    }

    /// Labels at the ends of lines, moved apart where they would lie over each other.
    fn labels(&self, all: &[Series]) -> Result<(), DrawError> {
        let mut ends: Vec<(i32, i32, &Series)> = Vec::new();
        for series in all.iter().filter(|series| series.is_labelled) {
            let last = series.points.iter().rev().find_map(|(x, y)| Some((*x, (*y)?)));
            if let Some((x, y)) = last {
                let (x, y) = self.at(x, y);
                ends.push((y, x, series));
            }
        }
        ends.sort_by_key(|(y, ..)| *y);
        let mut free = i32::MIN;
        for (y, x, series) in ends {
            let y = y.max(free);
            free = y + LABEL_STEP_PX * FINE;
            let at = (x + 7 * FINE, y);
            self.text(&series.label, at, series.tone, (HPos::Left, VPos::Center))?;
        }
        Ok(())
    }

    /// A heat map as one path for each depth of colour: a thousandth of the bytes of as many rectangles.
    fn cells(&self, cells: &Cells) -> String {
        let mut paths = String::new();
        for depth in 1..=Cells::DEPTHS {
            let fields = cells.filled.iter().filter(|cell| cell[2] == depth).map(|cell| {
                let x_low = cells.x_low + cell[0] as f64 * cells.x_step;
                let y_low = cells.y_low * cells.y_ratio.powf(cell[1] as f64);
                let (left, bottom) = self.at(x_low, y_low);
                let (right, top) = self.at(x_low + cells.x_step, y_low * cells.y_ratio);
                format!("M{left} {top}H{right}V{bottom}H{left}z")
            });
            let fields: String = fields.collect();
            if !fields.is_empty() {
                let _ = write!(paths, "<path fill=\"var(--heat-{depth})\" d=\"{fields}\"/>");
            }
        }
        paths
    }
}

/// Half of the width of a text, about: the drawing library knows no fonts.
fn half_width(text: &str) -> i32 {
    let letters = i32::try_from(text.chars().count()).unwrap_or_default();
    letters.saturating_mul(7 * FINE) / 2
}

/// Every value is held until the next one.
fn stairs(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let corners = points.windows(2).filter_map(|pair| match pair {
        [(_, before), (x, y)] => Some([(*x, *before), (*x, *y)]),
        _ => None,
    });
    points.first().copied().into_iter().chain(corners.flatten()).collect()
}

/// The colour that stands for a tone until [`themed`] has put its variable in.
fn ink(tone: Tone) -> RGBColor {
    RGBColor(number(tone), 0xFE, 0x01)
}

fn line(tone: Tone, width: u32) -> ShapeStyle {
    ink(tone).stroke_width(width)
}

fn dashed(tone: Tone, width: u32) -> ShapeStyle {
    RGBColor(number(tone), 0xFE, 0x02).stroke_width(width)
}

fn number(tone: Tone) -> u8 {
    let position = Tone::ALL.iter().position(|other| *other == tone);
    position.and_then(|position| u8::try_from(position).ok()).unwrap_or_default()
}

/// The drawing in the colours of the style sheet, with `under` below everything else.
///
/// Quotes within texts are escaped, so that only attributes can match.
fn themed(drawing: &str, under: &str) -> String {
    let mut text: String = drawing.lines().map(str::trim_end).collect();
    for (position, tone) in Tone::ALL.iter().enumerate() {
        let plain = format!("\"#{position:02X}FE01\"");
        text = text.replace(&plain, &format!("\"var(--{})\"", tone.name()));
        let dashed = format!("\"#{position:02X}FE02\"");
        let with_dashes = format!("\"var(--{})\" stroke-dasharray=\"20 16\"", tone.name());
        text = text.replace(&dashed, &with_dashes);
    }
    for (long, short) in [
        (" opacity=\"1\"", ""),
        (" font-family=\"sans-serif\"", ""),
        (" font-size=\"50\"", ""),
        (" stroke=\"none\"", ""),
        (" \"/>", "\"/>"),
    ] {
        text = text.replace(long, short);
    }
    // The size is the style sheet's business; the drawing keeps its proportions.
    let inner = text.split_once('>').map_or(text.as_str(), |(_, inner)| inner);
    let view = drawing.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next());
    let view = view.unwrap_or_default();
    format!(
        "<svg viewBox=\"{view}\" xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\">{under}{inner}"
    )
}

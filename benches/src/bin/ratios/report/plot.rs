//! `results.svg`: bars that a person understands at a glance.

use std::fmt::Write as _;

use measure::Goal;

use super::Group;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 350.0;
const RIGHT: f64 = 130.0;
const ROW: f64 = 24.0;
const OURS: &str = "#1b6ca8";
const OTHER: &str = "#b8bec4";

struct Bar {
    label: String,
    value: f64,
    text: String,
    color: &'static str,
}

pub fn plot(groups: &[Group]) -> String {
    let goals = |name: &str| -> &[Goal] {
        groups.iter().find(|group| group.name == name).map_or(&[], |group| &group.goals)
    };
    let mut svg = String::new();
    let mut y = 20.0;
    panel(
        &mut svg,
        &mut y,
        "Encrypt and decrypt a token of 56 bytes: nanoseconds, shorter is better",
        &tokens(goals("peers")),
        None,
    );
    panel(
        &mut svg,
        &mut y,
        "A statement on one row with an encrypted column, against the plain column (line: as fast)",
        &statements(goals("orm")),
        Some(1.0),
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y}\" viewBox=\"0 0 {WIDTH} {y}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{svg}</svg>\n"
    )
}

fn tokens(goals: &[Goal]) -> Vec<Bar> {
    let bar = |label: &str, ns: f64, color| Bar {
        label: label.into(),
        value: ns,
        text: format!("{ns:.0} ns"),
        color,
    };
    let is_text = |goal: &Goal| goal.name.contains("text") || goal.name.contains("JSON");
    let mut bars = Vec::new();
    for (form, text) in [("binary", false), ("text", true)] {
        let of_form = || {
            goals.iter().filter(|goal| goal.name.starts_with("round trip") && is_text(goal) == text)
        };
        let mut times: Vec<f64> = of_form().filter_map(|goal| Some(goal.ours?.median)).collect();
        times.sort_by(f64::total_cmp);
        let Some(ours) = times.get(times.len() / 2) else { continue };
        bars.push(bar(&format!("encrypted-field, {form}"), *ours, OURS));
        for goal in of_form() {
            let peer = goal.name.split_once(": ").map_or(&*goal.name, |(_, peer)| peer);
            let json = if peer.contains("JSON") { ", as JSON" } else { "" };
            let peer = format!("{}{json}", peer.split(", ").next().unwrap_or(peer));
            // What was measured in turn is the ratio; the times of one pair are of another moment
            // than those of the next.
            bars.push(bar(&peer, ours * goal.ratio.median, OTHER));
        }
    }
    // Python would make all others invisible: its bar is cut, its number is not.
    let longest = bars.iter().map(|bar| bar.value).filter(|ns| *ns < 10_000.0).fold(0.0, f64::max);
    for bar in bars.iter_mut().filter(|bar| bar.value > longest) {
        bar.value = longest * 1.1;
        bar.text += " (cut)";
    }
    bars.sort_by(|a, b| a.value.total_cmp(&b.value));
    bars
}

fn statements(goals: &[Goal]) -> Vec<Bar> {
    let single = goals
        .iter()
        .filter(|goal| goal.name.ends_with("a row") || goal.name.ends_with("primary key"));
    single
        .map(|goal| {
            let value = goal.ratio.median;
            Bar { label: goal.name.clone(), value, text: format!("{value:.2}"), color: OURS }
        })
        .collect()
}

fn panel(svg: &mut String, y: &mut f64, title: &str, bars: &[Bar], line: Option<f64>) {
    if bars.is_empty() {
        return;
    }
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / longest;
    *y += 10.0;
    writeln!(svg, "<text x=\"12\" y=\"{y}\" font-weight=\"bold\" font-size=\"15\">{title}</text>")
        .unwrap();
    *y += 14.0;
    let top = *y;
    for Bar { label, value, text, color } in bars {
        let (width, middle) = (value * scale, *y + ROW / 2.0 + 4.0);
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>",
            LEFT - 8.0
        )
        .unwrap();
        writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" fill=\"{color}\"/>",
            *y + 3.0,
            ROW - 6.0
        )
        .unwrap();
        writeln!(svg, "<text x=\"{:.1}\" y=\"{middle}\">{text}</text>", LEFT + width + 6.0)
            .unwrap();
        *y += ROW;
    }
    if let Some(line) = line {
        let x = LEFT + line * scale;
        writeln!(svg, "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{y}\" stroke=\"#d1495b\" stroke-width=\"2\"/>").unwrap();
    }
    *y += 24.0;
}

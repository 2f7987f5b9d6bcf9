//! How the cells of a study lie along its axes.

use std::collections::BTreeMap;

use pairnet_record::{RecipeSettings, Study};
use serde_json::Value;

use crate::fields;
use crate::render::terms;

/// How cells lie along the axes, and which do not.
#[derive(Debug, PartialEq)]
pub(super) struct Axes<'a> {
    pub(super) layout: Layout<'a>,
    /// Cells that are no part of the layout.
    pub(super) others: Vec<&'a str>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Layout<'a> {
    /// One number differs: its field, and each cell's value in ascending order.
    Line { field: &'a str, cells: Vec<(f64, &'a str)> },
    /// Two fields differ: rows, and no more columns.
    Plane { rows: Axis<'a>, columns: Axis<'a>, cells: Vec<PlaneCell<'a>> },
    /// The cells differ by their names.
    Names,
}

/// A field with the values that it has, numbers in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis<'a> {
    pub(super) field: &'a str,
    pub(super) values: Vec<Option<Value>>,
}

/// A cell at its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlaneCell<'a> {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) name: &'a str,
}

/// Where the cells of `asked` lie. Those that differ in more than the axes from most are not on them.
pub(super) fn axes<'a>(asked: &'a Study, recipes: &'a [RecipeSettings]) -> Axes<'a> {
    let own = most(recipes, &asked.axes);
    let without_base: Vec<&RecipeSettings> =
        own.iter().copied().filter(|recipe| recipe.name != asked.base).collect();
    // The base may lie beside a grid, of which it would make a row and a column with one cell.
    let layout = plane(asked, &without_base, &own).or_else(|| line(asked, &own));
    let layout = layout.unwrap_or(Layout::Names);
    let placed: Vec<&str> = match &layout {
        Layout::Line { cells, .. } => cells.iter().map(|(_, name)| *name).collect(),
        Layout::Plane { cells, .. } => cells.iter().map(|cell| cell.name).collect(),
        Layout::Names => Vec::new(),
    };
    let names = recipes.iter().map(|recipe| &*recipe.name);
    let others = names.filter(|name| !placed.contains(name)).collect();
    Axes { layout, others }
}

/// The recipes that are alike but for `axes`: of several such groups the largest, or the first.
fn most<'a>(recipes: &'a [RecipeSettings], axes: &[String]) -> Vec<&'a RecipeSettings> {
    let rest = |recipe: &'a RecipeSettings| -> BTreeMap<&'a str, Option<Value>> {
        let others = fields::names(recipe).filter(|field| axes.iter().all(|axis| axis != field));
        others.map(|field| (field, fields::value(recipe, field))).collect()
    };
    let rests: Vec<_> = recipes.iter().map(rest).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for index in 0..recipes.len() {
        match groups.iter_mut().find(|group| rests[group[0]] == rests[index]) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    let largest = groups.into_iter().rev().max_by_key(Vec::len).unwrap_or_default();
    largest.into_iter().map(|index| &recipes[index]).collect()
}

/// The axes that have more than one value.
fn swept<'a>(asked: &'a Study, recipes: &[&RecipeSettings]) -> Vec<Axis<'a>> {
    let axis = |field: &'a String| {
        let mut values: Vec<Option<Value>> = Vec::new();
        for recipe in recipes {
            let value = fields::value(recipe, field);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let number = |value: &Option<Value>| value.as_ref().and_then(Value::as_f64);
        if values.iter().all(|value| number(value).is_some()) {
            values.sort_by(|a, b| {
                f64::total_cmp(&number(a).unwrap_or(0.0), &number(b).unwrap_or(0.0))
            });
        }
        Axis { field, values }
    };
    asked.axes.iter().map(axis).filter(|axis| axis.values.len() > 1).collect()
}

fn line<'a>(asked: &'a Study, recipes: &[&'a RecipeSettings]) -> Option<Layout<'a>> {
    let [axis] = &swept(asked, recipes)[..] else { return None };
    let point = |recipe: &&'a RecipeSettings| {
        Some((fields::value(recipe, axis.field)?.as_f64()?, &*recipe.name))
    };
    let mut cells = recipes.iter().map(point).collect::<Option<Vec<_>>>()?;
    cells.sort_by(|a, b| a.0.total_cmp(&b.0));
    let alike = cells.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (!alike).then_some(Layout::Line { field: axis.field, cells })
}

fn plane<'a>(
    asked: &'a Study,
    grid: &[&'a RecipeSettings],
    recipes: &[&'a RecipeSettings],
) -> Option<Layout<'a>> {
    let of_grid = swept(asked, grid);
    let found = if of_grid.len() == 2 { of_grid } else { swept(asked, recipes) };
    let [first, second] = &found[..] else { return None };
    let turned = second.values.len() > first.values.len();
    let (rows, columns) = if turned { (second, first) } else { (first, second) };
    let at = |axis: &Axis<'_>, recipe: &RecipeSettings| {
        let value = fields::value(recipe, axis.field);
        axis.values.iter().position(|there| *there == value)
    };
    let place = |recipe: &&'a RecipeSettings| {
        let (row, column) = (at(rows, recipe)?, at(columns, recipe)?);
        Some(PlaneCell { row, column, name: &recipe.name })
    };
    let cells: Vec<PlaneCell<'_>> = recipes.iter().filter_map(place).collect();
    let place = |cell: &PlaneCell<'_>| (cell.row, cell.column);
    let twice = |(index, cell): (usize, &PlaneCell<'_>)| {
        cells[..index].iter().any(|other| place(other) == place(cell))
    };
    let unique = !cells.iter().enumerate().any(twice);
    unique.then(|| Layout::Plane {
        rows: rows.clone(),
        columns: columns.clone(),
        cells: cells.clone(),
    })
}

impl Axis<'_> {
    /// Its name for readers.
    pub(super) fn title(&self) -> &str {
        terms::field(self.field)
    }

    /// Its values for readers.
    pub(super) fn labels(&self) -> Vec<String> {
        self.values.iter().map(|value| terms::value(value.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use pairnet_record::STUDY_FORMAT;
    use serde_json::json;

    use super::*;

    fn study(axes: &[&str]) -> Study {
        Study {
            format: STUDY_FORMAT,
            title: String::new(),
            question: String::new(),
            base: "base".to_owned(),
            base_network: None,
            contrasts: Vec::new(),
            axes: axes.iter().map(|axis| (*axis).to_owned()).collect(),
            references: Vec::new(),
        }
    }

    fn recipes(fields: &[(&str, Value)]) -> Vec<RecipeSettings> {
        let recipe = |(name, fields): &(&str, Value)| {
            let mut fields = fields.clone();
            fields["name"] = (*name).into();
            RecipeSettings { name: (*name).to_owned(), fields }
        };
        fields.iter().map(recipe).collect()
    }

    #[test]
    fn one_number_is_a_line_and_absence_is_a_value() {
        let recipes = recipes(&[
            ("base", json!({ "pairs": 1000, "lr": 1 })),
            ("large", json!({ "pairs": 1000, "lr": 1, "training_pairs": 5000 })),
            ("small", json!({ "pairs": 1000, "lr": 1, "training_pairs": 100 })),
            ("named", json!({ "pairs": 1000, "lr": 2 })),
        ]);
        let asked = study(&["training_pairs"]);
        let cells = vec![(100.0, "small"), (1000.0, "base"), (5000.0, "large")];
        let expected = Layout::Line { field: "training_pairs", cells };
        assert_eq!(axes(&asked, &recipes), Axes { layout: expected, others: vec!["named"] });
    }

    #[test]
    fn what_is_no_number_is_a_name() {
        let clipped = recipes(&[("base", json!({})), ("clipped", json!({ "gradient_clip": 1 }))]);
        let asked = study(&["gradient_clip"]);
        assert_eq!(axes(&asked, &clipped).layout, Layout::Names);
        assert_eq!(axes(&study(&[]), &clipped).layout, Layout::Names);
    }

    #[test]
    fn two_fields_are_a_plane_and_a_base_beside_it_is_not_on_it() {
        let cell = |name, a: f64, b: &str| (name, json!({ "a": a, "b": b }));
        let grid =
            [cell("w", 2.0, "x"), cell("x", 1.0, "x"), cell("y", 2.0, "y"), cell("z", 1.0, "y")];
        let beside = [&[cell("base", 3.0, "z")], &grid[..]].concat();
        let recipes_beside = recipes(&beside);
        let asked = study(&["a", "b"]);
        let found = axes(&asked, &recipes_beside);
        assert_eq!(found.others, ["base"]);
        let Layout::Plane { rows, columns, cells } = found.layout else { panic!("no plane") };
        assert_eq!(
            (rows.labels(), columns.labels()),
            (vec!["1".into(), "2".into()], vec!["x".into(), "y".into()])
        );
        assert_eq!(cells[0], PlaneCell { row: 1, column: 0, name: "w" });
        // One corner of a grid, though: it is.
        let corner = [&grid[..3], &[cell("base", 1.0, "y")]].concat();
        let recipes = recipes(&corner);
        assert!(axes(&asked, &recipes).others.is_empty());
    }

    #[test]
    fn cells_of_one_value_have_no_line() {
        let recipes = recipes(&[
            ("base", json!({ "a": 1 })),
            ("b", json!({ "a": 2 })),
            ("c", json!({ "a": 2 })),
        ]);
        assert_eq!(axes(&study(&["a"]), &recipes).layout, Layout::Names);
    }

    #[test]
    fn the_longer_axis_of_a_plane_goes_down() {
        let grid = recipes(&[
            ("base", json!({ "a": 1, "b": 1 })),
            ("c", json!({ "a": 1, "b": 2 })),
            ("d", json!({ "a": 1, "b": 3 })),
            ("e", json!({ "a": 2, "b": 3 })),
            ("f", json!({ "a": 2, "b": 1 })),
        ]);
        let asked = study(&["a", "b"]);
        let Layout::Plane { rows, columns, cells } = axes(&asked, &grid).layout else {
            panic!("no plane")
        };
        assert_eq!((rows.field, columns.field), ("b", "a"));
        assert_eq!(cells[3], PlaneCell { row: 2, column: 1, name: "e" });
    }

    #[test]
    fn a_base_beside_a_line_is_not_on_it() {
        let grid = recipes(&[
            ("base", json!({ "a": 1, "b": 1 })),
            ("c", json!({ "a": 1, "b": 2 })),
            ("d", json!({ "a": 3, "b": 2 })),
        ]);
        let asked = study(&["a"]);
        let found = axes(&asked, &grid);
        assert_eq!(found.others, ["base"]);
        assert_eq!(found.layout, Layout::Line { field: "a", cells: vec![(1.0, "c"), (3.0, "d")] });
    }
}

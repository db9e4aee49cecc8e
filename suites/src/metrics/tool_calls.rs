//! Calls of tools against expected ones: which belong together, and what of them is right.
//!
//! As in the Berkeley Function-Calling Leaderboard's parallel calls, order does not matter. Calls of
//! the same tool are paired one to one so that most arguments are right; among equally good
//! pairings the one counts whose arguments have more of the expected names.
//!
//! An argument is right if its value equals the expected one: numbers as numbers (1 is 1.0), text
//! without the white space around it, lists in their order, objects key by key. `null` is a value
//! like others.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::assignment::assign;

/// A call of a tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// The tool.
    pub name: &'a str,
    /// Its arguments by name; `None` for arguments that are no object, of which nothing is right.
    pub arguments: Option<&'a Map<String, Value>>,
}

/// What became of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Given with the expected value.
    Exact,
    /// Given with another value.
    Wrong,
    /// Expected and not given.
    Missing,
    /// Given and not expected.
    Surplus,
}

/// Two calls that belong together, or one without a partner.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<'a> {
    /// The tool.
    pub name: &'a str,
    /// Whether there is such a call in the answer, and whether one is expected.
    pub given: bool,
    /// See [`Pair::given`].
    pub expected: bool,
    /// Each argument of either.
    pub arguments: Vec<(&'a str, Fate)>,
    /// Both are there, and equal.
    pub exact: bool,
}

/// An answer's calls beside the expected ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    /// The expected calls in their order, then the calls without a partner.
    pub pairs: Vec<Pair<'a>>,
}

impl Comparison<'_> {
    /// Every expected call was made with the right arguments, and no other call.
    pub fn is_exact(&self) -> bool {
        self.pairs.iter().all(|pair| pair.exact)
    }

    /// The right tools were called, each as often as expected.
    pub fn has_the_tools(&self) -> bool {
        self.pairs.iter().all(|pair| pair.given && pair.expected)
    }

    /// How many arguments had a fate.
    pub fn count(&self, fate: Fate) -> usize {
        let all = self.pairs.iter().flat_map(|pair| &pair.arguments);
        all.filter(|(_, of_this)| *of_this == fate).count()
    }
}

/// Pairs the calls of an answer with the expected ones.
pub fn compare<'a>(given: &[Call<'a>], expected: &[Call<'a>]) -> Comparison<'a> {
    let mut by_name: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (i, call) in given.iter().enumerate() {
        by_name.entry(call.name).or_default().0.push(i);
    }
    for (i, call) in expected.iter().enumerate() {
        by_name.entry(call.name).or_default().1.push(i);
    }
    let mut partner: Vec<Option<usize>> = vec![None; expected.len()];
    let mut alone = vec![true; given.len()];
    for (ours, theirs) in by_name.values() {
        let worth = |e: usize, g: usize| {
            expected.get(e).zip(given.get(g)).map_or(0, |(e, g)| weight(*e, *g))
        };
        let weights: Vec<Vec<i64>> =
            theirs.iter().map(|e| ours.iter().map(|g| worth(*e, *g)).collect()).collect();
        for (e, g) in theirs.iter().zip(assign(&weights)) {
            let g = g.and_then(|g| ours.get(g)).copied();
            if let (Some(slot), Some(g)) = (partner.get_mut(*e), g) {
                *slot = Some(g);
                alone.get_mut(g).into_iter().for_each(|alone| *alone = false);
            }
        }
    }
    let paired = expected.iter().zip(partner).map(|(e, g)| {
        let g = g.and_then(|g| given.get(g));
        pair(e.name, g, Some(e))
    });
    let others = given.iter().zip(&alone).filter(|(_, alone)| **alone);
    let others = others.map(|(g, _)| pair(g.name, Some(g), None));
    Comparison { pairs: paired.chain(others).collect() }
}

/// Largest worth of a pair: sums of them stay far from overflow.
const LARGEST_WEIGHT: i64 = 1 << 40;

/// What a pairing is worth: right arguments first, then expected names.
fn weight(expected: Call<'_>, given: Call<'_>) -> i64 {
    let (Some(expected), Some(given)) = (expected.arguments, given.arguments) else { return 0 };
    let (mut right, mut named) = (0_i64, 0_i64);
    for (name, value) in expected {
        if let Some(other) = given.get(name) {
            named = named.saturating_add(1);
            right = right.saturating_add(i64::from(same(value, other)));
        }
    }
    // No answer's calls have a million expected names together.
    right.saturating_mul(1 << 20).saturating_add(named).min(LARGEST_WEIGHT)
}

fn pair<'a>(name: &'a str, given: Option<&Call<'a>>, expected: Option<&Call<'a>>) -> Pair<'a> {
    let of = |call: Option<&Call<'a>>| call.and_then(|call| call.arguments);
    let (ours, theirs) = (of(given), of(expected));
    let mut arguments = Vec::new();
    for (name, value) in theirs.into_iter().flatten() {
        let fate = match ours.and_then(|ours| ours.get(name)) {
            Some(other) if same(value, other) => Fate::Exact,
            Some(_) => Fate::Wrong,
            None => Fate::Missing,
        };
        arguments.push((name.as_str(), fate));
    }
    for name in ours.into_iter().flatten().map(|(name, _)| name) {
        if !theirs.is_some_and(|theirs| theirs.contains_key(name)) {
            arguments.push((name.as_str(), Fate::Surplus));
        }
    }
    let both = ours.is_some() && theirs.is_some();
    let exact = both && arguments.iter().all(|(_, fate)| *fate == Fate::Exact);
    Pair { name, given: given.is_some(), expected: expected.is_some(), arguments, exact }
}

/// Whether two values are the same.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i128(), b.as_i128()) {
            (Some(a), Some(b)) => a == b,
            _ => a.as_f64() == b.as_f64(),
        },
        (Value::String(a), Value::String(b)) => a.trim() == b.trim(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let known = |(name, a): (&String, &Value)| b.get(name).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(known)
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn calls(list: &Value) -> Vec<Call<'_>> {
        let call = |value| -> Call<'_> {
            let value: &Value = value;
            Call {
                name: value["name"].as_str().unwrap(),
                arguments: value["arguments"].as_object(),
            }
        };
        list.as_array().unwrap().iter().map(call).collect()
    }

    fn call(name: &str, arguments: Value) -> Value {
        json!({"name": name, "arguments": arguments})
    }

    /// Right, wrong, missing and surplus arguments; whether calls and tools are right.
    fn figures(given: Value, expected: Value) -> ([usize; 4], bool, bool) {
        let (given, expected) = (calls(&given), calls(&expected));
        let found = compare(&given, &expected);
        let fates = [Fate::Exact, Fate::Wrong, Fate::Missing, Fate::Surplus];
        (fates.map(|fate| found.count(fate)), found.is_exact(), found.has_the_tools())
    }

    #[test]
    fn values_are_compared_as_json() {
        for (a, b, equal) in [
            (json!(1), json!(1.0), true),
            (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), false),
            (json!(" Bern\n"), json!("Bern"), true),
            (json!("bern"), json!("Bern"), false),
            (json!("1"), json!(1), false),
            (json!([1, 2]), json!([2, 1]), false),
            (json!([1, 2]), json!([1.0, 2]), true),
            (json!({"a": 1, "b": [2]}), json!({"b": [2.0], "a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": null}), false),
            (json!(true), json!(1), false),
            (json!(null), json!(null), true),
        ] {
            assert_eq!(same(&a, &b), equal, "{a} {b}");
        }
    }

    #[test]
    fn arguments_are_counted() {
        let expected = json!([call("weather", json!({"city": "Bern", "days": 3, "unit": "C"}))]);
        // One right, one wrong, one missing, one surplus.
        let given = json!([call("weather", json!({"city": "Bern", "days": 4, "wind": true}))]);
        assert_eq!(figures(given, expected.clone()), ([1, 1, 1, 1], false, true));
        let given = json!([call("weather", json!({"unit": "C", "days": 3.0, "city": "Bern "}))]);
        assert_eq!(figures(given, expected.clone()), ([3, 0, 0, 0], true, true));
        // Another tool: all of one is missing, all of the other surplus.
        let given = json!([call("news", json!({"city": "Bern"}))]);
        assert_eq!(figures(given, expected.clone()), ([0, 0, 3, 1], false, false));
        assert_eq!(figures(json!([]), expected.clone()), ([0, 0, 3, 0], false, false));
        assert_eq!(
            figures(json!([call("weather", json!("Bern"))]), expected),
            ([0, 0, 3, 0], false, true)
        );
        assert_eq!(figures(json!([]), json!([])), ([0, 0, 0, 0], true, true));
    }

    #[test]
    fn order_does_not_matter_and_the_best_pairing_counts() {
        let a = call("f", json!({"x": 1, "y": 2}));
        let b = call("f", json!({"x": 1, "y": 3}));
        let now = call("now", json!({}));
        let expected = json!([a, now, b]);
        assert_eq!(figures(json!([b, a, now]), expected.clone()), ([4, 0, 0, 0], true, true));
        // Greedy pairing would give the first call to `a` for its `x` and leave only one right
        // argument for the second one.
        let given = json!([call("f", json!({"x": 1, "y": 3})), call("f", json!({"x": 9, "y": 2}))]);
        assert_eq!(figures(given, expected.clone()), ([3, 1, 0, 0], false, false));
        // The same call twice is one too many.
        assert_eq!(figures(json!([a, a, b, now]), expected), ([4, 0, 0, 2], false, false));
    }
}

//! Optimal assignment: which row goes with which column, so that the sum of weights is largest.
//!
//! The Hungarian method (Kuhn 1955; Munkres 1957) by shortest augmenting paths, as in Crouse (2016),
//! "On implementing 2D rectangular assignment algorithms", which scipy's `linear_sum_assignment`
//! follows too. Time is O(r²·c) for the smaller side r and the larger side c, memory O(r + c) beside
//! the weights.

/// A column while rows are being assigned.
#[derive(Debug, Clone, Default)]
struct Column {
    price: i64,
    /// The row that it is assigned to.
    row: Option<usize>,
    /// The cheapest path to it, as its cost and the row before it.
    path: Option<(i64, usize)>,
    visited: bool,
}

/// For every row its column, so that as many rows as possible have one, no column has two rows, and
/// the sum of weights is the largest of all such assignments. Equal inputs give equal assignments.
///
/// `weights` has a row each, all of the same length; a weight that is absent counts 0. Magnitudes
/// should be below 2⁵³ in sum: beyond `i64` the arithmetic saturates, and the optimum is lost.
pub fn assign(weights: &[Vec<i64>]) -> Vec<Option<usize>> {
    let rows = weights.len();
    let columns = weights.iter().map(Vec::len).max().unwrap_or(0);
    let weight = |row: usize, column: usize| {
        weights.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
    };
    if rows <= columns {
        return assign_all(rows, columns, |row, column| weight(row, column).saturating_neg());
    }
    let of_columns = assign_all(columns, rows, |column, row| weight(row, column).saturating_neg());
    let mut of_rows = vec![None; rows];
    for (column, row) in of_columns.into_iter().enumerate() {
        if let Some(slot) = row.and_then(|row| of_rows.get_mut(row)) {
            *slot = Some(column);
        }
    }
    of_rows
}

/// Assigns every row at the least cost; there are at least as many columns.
fn assign_all(
    rows: usize,
    columns: usize,
    cost: impl Fn(usize, usize) -> i64,
) -> Vec<Option<usize>> {
    let mut prices = vec![0i64; rows];
    let mut assigned: Vec<Option<usize>> = vec![None; rows];
    let mut all = vec![Column::default(); columns];
    for start in 0..rows {
        for column in &mut all {
            (column.path, column.visited) = (None, false);
        }
        let Some((end, length)) = shortest_path(start, &mut all, &prices, &cost) else { break };
        // The new prices keep every reduced cost at 0 or more, and at 0 along assignments.
        for column in all.iter_mut().filter(|column| column.visited) {
            let saved = length.saturating_sub(column.path.map_or(0, |(cost, _)| cost));
            if let Some(price) = column.row.and_then(|row| prices.get_mut(row)) {
                *price = price.saturating_add(saved);
            }
            column.price = column.price.saturating_sub(saved);
        }
        if let Some(price) = prices.get_mut(start) {
            *price = price.saturating_add(length);
        }
        // Along the path every row moves to the column after it.
        let mut at = end;
        while let Some((column, (_, row))) =
            all.get_mut(at).and_then(|column| column.path.map(|path| (column, path)))
        {
            column.row = Some(row);
            let before = assigned.get_mut(row).and_then(|column| column.replace(at));
            match before {
                Some(before) if row != start => at = before,
                _ => break,
            }
        }
    }
    assigned
}

/// Dijkstra's search from a row to the nearest column without one: that column, and its distance.
fn shortest_path(
    start: usize,
    all: &mut [Column],
    prices: &[i64],
    cost: impl Fn(usize, usize) -> i64,
) -> Option<(usize, i64)> {
    let (mut row, mut length) = (start, 0i64);
    loop {
        let price = prices.get(row).copied().unwrap_or(0);
        let mut nearest: Option<(i64, usize)> = None;
        for (at, column) in all.iter_mut().enumerate().filter(|(_, column)| !column.visited) {
            let reduced = cost(row, at).saturating_sub(price).saturating_sub(column.price);
            let distance = length.saturating_add(reduced);
            if column.path.is_none_or(|(known, _)| distance < known) {
                column.path = Some((distance, row));
            }
            let known = column.path.map_or(distance, |(known, _)| known);
            if nearest.is_none_or(|(best, _)| known < best) {
                nearest = Some((known, at));
            }
        }
        let (distance, at) = nearest?;
        length = distance;
        let column = all.get_mut(at)?;
        column.visited = true;
        match column.row {
            Some(taken) => row = taken,
            None => return Some((at, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(weights: &[Vec<i64>], assigned: &[Option<usize>]) -> i64 {
        let pairs = assigned.iter().enumerate();
        pairs.filter_map(|(row, column)| Some(weights[row][(*column)?])).sum()
    }

    /// The best sum of all assignments of the rows from `row` on, tried one by one.
    fn brute_force(weights: &[Vec<i64>], row: usize, free: &mut [bool]) -> Option<i64> {
        if row == weights.len() {
            return Some(0);
        }
        let mut best = None;
        for column in 0..free.len() {
            if std::mem::replace(&mut free[column], false) {
                let rest = brute_force(weights, row + 1, free);
                best = best.max(rest.map(|rest| rest + weights[row][column]));
                free[column] = true;
            }
        }
        best
    }

    /// The example of scipy's documentation: cost [[4, 1, 3], [2, 0, 5], [3, 2, 2]] has the least
    /// sum 5 with the columns 1, 0, 2.
    #[test]
    fn the_example_of_scipy() {
        let weights = vec![vec![-4, -1, -3], vec![-2, 0, -5], vec![-3, -2, -2]];
        let assigned = assign(&weights);
        assert_eq!(assigned, [Some(1), Some(0), Some(2)]);
        assert_eq!(sum(&weights, &assigned), -5);
    }

    #[test]
    fn empty_sides() {
        assert_eq!(assign(&[]), []);
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
        assert_eq!(assign(&[vec![1], vec![2]]), [None, Some(0)]);
    }

    proptest! {
        #[test]
        fn no_assignment_is_better(
            weights in (1usize..6, 1usize..6).prop_flat_map(|(rows, columns)| {
                prop::collection::vec(prop::collection::vec(-9i64..10, columns), rows)
            }),
        ) {
            let assigned = assign(&weights);
            let (rows, columns) = (weights.len(), weights[0].len());
            let mut taken: Vec<usize> = assigned.iter().flatten().copied().collect();
            prop_assert_eq!(taken.len(), rows.min(columns));
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), rows.min(columns));
            let transposed: Vec<Vec<i64>> =
                (0..columns).map(|c| weights.iter().map(|row| row[c]).collect()).collect();
            let smaller = if rows <= columns { &weights } else { &transposed };
            let best = brute_force(smaller, 0, &mut vec![true; rows.max(columns)]);
            prop_assert_eq!(Some(sum(&weights, &assigned)), best);
        }
    }
}

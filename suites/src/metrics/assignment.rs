//! Optimal one-to-one assignment: the pairing of two sets with the largest sum of weights.
//!
//! The Hungarian method with potentials and shortest augmenting paths (Kuhn 1955; Jonker and
//! Volgenant 1987), in O(n² m) for n ≤ m.

/// Largest weight that is told from larger ones: sums of potentials stay far from overflow.
pub(super) const LARGEST_WEIGHT: i64 = 1 << 40;

/// For each row its column; `None` where there are more rows than columns and it has none.
///
/// Weights are not negative. As many pairs are made as there are, also of weight 0.
pub(super) fn assign(
    rows: usize,
    columns: usize,
    weight: impl Fn(usize, usize) -> i64,
) -> Vec<Option<usize>> {
    if rows > columns {
        let mut of_row = vec![None; rows];
        for (column, row) in matched(columns, rows, |c, r| weight(r, c)).into_iter().enumerate() {
            put(&mut of_row, row, Some(column));
        }
        return of_row;
    }
    matched(rows, columns, weight).into_iter().map(Some).collect()
}

/// The column of each row, for at most as many rows as columns. Rows and columns count from 1
/// inside; 0 is none.
fn matched(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> i64) -> Vec<usize> {
    let cost = |row: usize, column: usize| {
        let (row, column) = (row.saturating_sub(1), column.saturating_sub(1));
        -weight(row, column).clamp(0, LARGEST_WEIGHT)
    };
    let width = columns.saturating_add(1);
    let mut row_potential = vec![0_i64; rows.saturating_add(1)];
    let mut potential = vec![0_i64; width];
    let mut row_of = vec![0_usize; width];
    for row in 1..=rows {
        let mut least = vec![i64::MAX; width];
        let mut before = vec![0_usize; width];
        let mut used = vec![false; width];
        put(&mut row_of, 0, row);
        let mut column = 0;
        while at(&row_of, column) != 0 {
            put(&mut used, column, true);
            let from = at(&row_of, column);
            let (mut delta, mut next) = (i64::MAX, 0);
            for to in (1..=columns).filter(|to| !at(&used, *to)).collect::<Vec<_>>() {
                let reduced = cost(from, to)
                    .saturating_sub(at(&row_potential, from))
                    .saturating_sub(at(&potential, to));
                if reduced < at(&least, to) {
                    put(&mut least, to, reduced);
                    put(&mut before, to, column);
                }
                if at(&least, to) < delta {
                    (delta, next) = (at(&least, to), to);
                }
            }
            for to in 0..=columns {
                if at(&used, to) {
                    let owner = at(&row_of, to);
                    let raised = at(&row_potential, owner).saturating_add(delta);
                    put(&mut row_potential, owner, raised);
                    let lowered = at(&potential, to).saturating_sub(delta);
                    put(&mut potential, to, lowered);
                } else {
                    let left = at(&least, to).saturating_sub(delta);
                    put(&mut least, to, left);
                }
            }
            column = next;
            // There are at least as many columns as rows, so a free one is always reached.
            if column == 0 {
                break;
            }
        }
        while column != 0 {
            let previous = at(&before, column);
            let owner = at(&row_of, previous);
            put(&mut row_of, column, owner);
            column = previous;
        }
    }
    let mut of_row = vec![0; rows];
    for (column, row) in row_of.iter().enumerate().skip(1).filter(|(_, row)| **row > 0) {
        put(&mut of_row, row.saturating_sub(1), column.saturating_sub(1));
    }
    of_row
}

fn at<T: Copy + Default>(values: &[T], index: usize) -> T {
    values.get(index).copied().unwrap_or_default()
}

fn put<T>(values: &mut [T], index: usize, value: T) {
    if let Some(slot) = values.get_mut(index) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(weights: &[Vec<i64>], pairs: &[Option<usize>]) -> i64 {
        pairs.iter().enumerate().filter_map(|(r, c)| c.map(|c| weights[r][c])).sum()
    }

    /// The best sum by trying everything.
    fn best(weights: &[Vec<i64>], row: usize, free: &mut Vec<bool>) -> i64 {
        let Some(of_row) = weights.get(row) else { return 0 };
        let mut most = best(weights, row + 1, free);
        for column in 0..of_row.len() {
            if free[column] {
                free[column] = false;
                most = most.max(of_row[column] + best(weights, row + 1, free));
                free[column] = true;
            }
        }
        most
    }

    #[test]
    fn the_greedy_choice_is_not_taken() {
        let weights = [vec![3, 2], vec![2, 0]];
        assert_eq!(assign(2, 2, |r, c| weights[r][c]), [Some(1), Some(0)]);
        assert_eq!(assign(0, 3, |_, _| 1), []);
        assert_eq!(assign(2, 0, |_, _| 1), [None, None]);
    }

    proptest! {
        #[test]
        fn as_good_as_trying_everything(
            rows in 0_usize..6,
            columns in 0_usize..6,
            numbers in prop::collection::vec(0_i64..20, 36),
        ) {
            let weights: Vec<Vec<i64>> =
                (0..rows).map(|r| (0..columns).map(|c| numbers[6 * r + c]).collect()).collect();
            let pairs = assign(rows, columns, |r, c| weights[r][c]);
            let mut taken: Vec<usize> = pairs.iter().flatten().copied().collect();
            prop_assert_eq!(taken.len(), rows.min(columns));
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), rows.min(columns));
            prop_assert_eq!(total(&weights, &pairs), best(&weights, 0, &mut vec![true; columns]));
        }
    }
}

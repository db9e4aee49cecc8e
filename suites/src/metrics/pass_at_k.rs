//! pass@k: how probable it is that one of k samples passes (Chen et al. 2021, the unbiased estimator
//! of `openai/human-eval`), and pass^k: that all k pass (Yao et al. 2024, τ-bench).
//!
//! Of n samples c pass: pass@k = 1 - C(n-c, k) / C(n, k) and pass^k = C(c, k) / C(n, k). Both are in
//! [0, 1]. They are undefined for k = 0, k > n and c > n; the reference function gives 1 for k > n
//! even where nothing passed, but its run reports nothing there.

/// pass@k of one task.
pub fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    Some(1.0 - share(n.checked_sub(c)?, n, k)?)
}

/// pass^k of one task.
pub fn pass_hat_k(n: u64, c: u64, k: u64) -> Option<f64> {
    share(c, n, k)
}

/// Mean pass@k over tasks (n, c); `None` without tasks, and where one task has too few samples.
pub fn mean_pass_at_k(tasks: &[(u64, u64)], k: u64) -> Option<f64> {
    let sum = tasks.iter().map(|(n, c)| pass_at_k(*n, *c, k)).sum::<Option<f64>>()?;
    (!tasks.is_empty()).then(|| sum / tasks.len() as f64)
}

/// C(m, k) / C(n, k): how probable it is that all of k out of n are among m. The product of
/// (m-i) / (n-i) over k terms, or of (n-k-i) / (n-i) over n-m terms, whichever is shorter.
fn share(m: u64, n: u64, k: u64) -> Option<f64> {
    let rest = n.checked_sub(m)?;
    if k == 0 || k > n {
        return None;
    }
    if k > m {
        return Some(0.0);
    }
    let (terms, taken) = (k.min(rest), k.max(rest));
    let mut product = 1.0;
    for i in 0..terms {
        let left = n.saturating_sub(i) as f64;
        product *= (left - taken as f64) / left;
        if product == 0.0 {
            break;
        }
    }
    Some(product)
}

//! Style, script and templates, and the policy that allows these and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Templates by name.
pub const TEMPLATES: [(&str, &str); 12] = [
    ("page.html", include_str!("templates/page.html")),
    ("parts.html", include_str!("templates/parts.html")),
    ("strip.html", include_str!("templates/strip.html")),
    ("table.html", include_str!("templates/table.html")),
    ("plot.html", include_str!("templates/plot.html")),
    ("slices.html", include_str!("templates/slices.html")),
    ("variants.html", include_str!("templates/variants.html")),
    ("modes.html", include_str!("templates/modes.html")),
    ("tasks.html", include_str!("templates/tasks.html")),
    ("failures.html", include_str!("templates/failures.html")),
    ("samples.html", include_str!("templates/samples.html")),
    ("method.html", include_str!("templates/method.html")),
];

/// Everything up to the body. The policy comes first: it holds for all that follows it.
pub fn head(name: &str) -> String {
    let name = crate::visible::line(name);
    let title = minijinja::HtmlEscape(&name);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}: rightsize report</title>\n\
         <style>{STYLE}</style>\n</head>\n",
        policy()
    )
}

/// The script and the end of the file.
pub fn tail() -> String {
    format!("<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
        digest(SCRIPT),
        digest(STYLE)
    )
}

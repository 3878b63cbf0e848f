//! Shell globs over one path component, as Go's `filepath.Match` reads them.

/// Does the name match? `None` when the pattern is malformed.
pub(super) fn matches(pattern: &str, name: &str) -> Option<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    step(&pattern, &name)
}

fn step(pattern: &[char], name: &[char]) -> Option<bool> {
    let Some((first, rest)) = pattern.split_first() else { return Some(name.is_empty()) };
    match first {
        '*' => {
            for skip in 0..=name.len() {
                if step(rest, &name[skip..])? {
                    return Some(true);
                }
            }
            Some(false)
        }
        '?' => advance(rest, name, |_| true),
        '[' => {
            let (class, rest) = Class::parse(rest)?;
            advance(rest, name, |c| class.contains(c))
        }
        '\\' => {
            let (literal, rest) = rest.split_first()?;
            advance(rest, name, |c| c == *literal)
        }
        literal => advance(rest, name, |c| c == *literal),
    }
}

fn advance(rest: &[char], name: &[char], accept: impl Fn(char) -> bool) -> Option<bool> {
    match name.split_first() {
        Some((c, tail)) if accept(*c) => step(rest, tail),
        _ => Some(false),
    }
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    /// The class after its `[`, and what follows its `]`.
    fn parse(mut rest: &[char]) -> Option<(Self, &[char])> {
        let negated = rest.first() == Some(&'^');
        if negated {
            rest = &rest[1..];
        }
        let mut ranges = Vec::new();
        loop {
            if rest.first() == Some(&']') && !ranges.is_empty() {
                return Some((Self { negated, ranges }, &rest[1..]));
            }
            let (low, after) = bound(rest)?;
            rest = after;
            let mut high = low;
            if rest.first() == Some(&'-') {
                (high, rest) = bound(&rest[1..])?;
            }
            ranges.push((low, high));
        }
    }

    fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }
}

fn bound(rest: &[char]) -> Option<(char, &[char])> {
    match rest.split_first()? {
        ('-' | ']', _) => None,
        ('\\', rest) => rest.split_first().map(|(c, rest)| (*c, rest)),
        (c, rest) => Some((*c, rest)),
    }
    .filter(|(_, rest)| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", Some(true)),
            ("a*b*c", "aXbYc", Some(true)),
            ("v[uo]l?ano", "volcano", Some(true)),
            ("[^a-c]x", "dx", Some(true)),
            ("[^a-c]x", "bx", Some(false)),
            ("\\*", "*", Some(true)),
            ("[a", "a", None),
            ("", "", Some(true)),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}

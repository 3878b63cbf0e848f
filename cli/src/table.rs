//! Tables as kubectl prints them: aligned columns, three spaces apart, no boxes.

/// Space between columns.
const GAP: usize = 3;

/// Rows under a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: Vec<&'static str>) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Adds a row; a cell keeps to its line.
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row.into_iter().map(|cell| one_line(&cell)).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text, ending in a newline; empty for a table without rows.
    pub(crate) fn render(&self, with_header: bool) -> String {
        if self.is_empty() {
            return String::new();
        }
        let header: Vec<String> = self.header.iter().map(|name| (*name).to_owned()).collect();
        let head = with_header.then_some(&header);
        let lines: Vec<&Vec<String>> = head.into_iter().chain(&self.rows).collect();
        let widths = widths(&lines);
        let mut text = String::new();
        for line in lines {
            let start = text.len();
            for (cell, width) in line.iter().zip(&widths) {
                text.push_str(cell);
                let padding = width + GAP - cell.chars().count();
                text.extend(std::iter::repeat_n(' ', padding));
            }
            text.truncate(start + text[start..].trim_end().len());
            text.push('\n');
        }
        text
    }
}

fn widths(lines: &[&Vec<String>]) -> Vec<usize> {
    let columns = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

fn one_line(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn sample() -> Table {
        let mut table = Table::new(vec!["NAME", "READY", "MESSAGE"]);
        table.push(["apps", "True", "fine"].map(str::to_owned).to_vec());
        table.push(["infrastructure", "", "a\n  b"].map(str::to_owned).to_vec());
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_end_at_their_text() {
        assert_eq!(
            sample().render(true),
            "NAME             READY   MESSAGE\n\
             apps             True    fine\n\
             infrastructure           a b\n"
        );
    }

    #[test]
    fn the_header_can_be_left_out() {
        assert_eq!(
            sample().render(false),
            "apps             True   fine\n\
             infrastructure          a b\n"
        );
    }

    #[test]
    fn width_is_counted_in_characters() {
        let mut table = Table::new(vec!["A", "B"]);
        table.push(["é✔".to_owned(), "x".to_owned()].to_vec());
        assert_eq!(table.render(true), "A    B\né✔   x\n");
    }

    #[test]
    fn nothing_prints_nothing() {
        assert_eq!(Table::new(vec!["NAME"]).render(true), "");
    }
}

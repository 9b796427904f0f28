//! Tables as text for the terminal and as Markdown for the README. Pure.

/// A table whose first columns are words and whose others are figures.
#[derive(Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    words: usize,
}

impl Table {
    /// An empty table; the first `words` columns hold words.
    pub fn new(words: usize, head: &[&str]) -> Self {
        Self {
            head: head.iter().map(ToString::to_string).collect(),
            rows: Vec::new(),
            words,
        }
    }

    /// Adds a row, with a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.head.len());
        self.rows.push(cells);
    }

    /// Whether it has rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For a terminal: words to the left, figures to the right.
    pub fn text(&self) -> String {
        let lines = std::iter::once(&self.head).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines.clone().map(|line| line[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for line in lines {
            let padded: Vec<String> = (line.iter().zip(&widths).enumerate())
                .map(|(column, (cell, width))| {
                    if column < self.words {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    /// For the README.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<&str> = (0..self.head.len())
            .map(|column| if column < self.words { "---" } else { "--:" })
            .collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}|{}|\n{rows}", line(&self.head), rule.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn table() -> Table {
        let mut table = Table::new(1, &["command", "wall s"]);
        table.row(vec!["tar | zstd".to_owned(), "9.8".to_owned()]);
        table.row(vec!["é".to_owned(), "12.1".to_owned()]);
        table
    }

    #[test]
    fn words_stand_left_and_figures_right() {
        let expected = "command     wall s\ntar | zstd     9.8\né             12.1\n";
        assert_eq!(table().text(), expected);
    }

    #[test]
    fn a_bar_in_a_cell_is_no_column_in_markdown() {
        let expected = "| command | wall s |\n|---|--:|\n| tar \\| zstd | 9.8 |\n| é | 12.1 |\n";
        assert_eq!(table().markdown(), expected);
    }
}

//! Lines of comma-separated values (RFC 4180), and of their kin with semicolons or tabulators.

/// The separators in use, the first one where a line has none of them.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// The cells of a line, without the blanks and quotes around them.
pub(super) fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(cell) = cells.last_mut() else { break };
        match letter {
            // A quote within quotes is written twice.
            '"' if quoted && letters.peek() == Some(&'"') => {
                cell.push('"');
                letters.next();
            }
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => cells.push(String::new()),
            letter => cell.push(letter),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The separator by which a line has most cells.
pub(super) fn separator(line: &str) -> char {
    let mut best = SEPARATORS[0];
    for separator in SEPARATORS {
        if cells(line, separator).len() > cells(line, best).len() {
            best = separator;
        }
    }
    best
}

//! Curves as a table for other programs: one line for each point.

use crate::runs::{Measure, Part, Record};

/// The head of the table.
const HEAD: &str = "run,settings,curve,epoch,value\n";

/// One run: what it is called, what is special about its settings, and how it went.
pub(crate) struct Row<'a> {
    pub(crate) name: String,
    pub(crate) settings: String,
    pub(crate) record: &'a Record,
}

/// The points of these runs, as they were measured.
pub(crate) fn write(measure: Measure, parts: &[Part], runs: &[Row<'_>]) -> String {
    let mut text = HEAD.to_owned();
    for Row { name, settings, record } in runs {
        for part in parts {
            let curve = format!("{} {}", part.name(), measure.title().to_lowercase());
            let start = [name.as_str(), settings, &curve].map(quoted).join(",");
            for (epoch, value) in record.curve(measure, *part).points() {
                text.push_str(&format!("{start},{},{}\n", short(*epoch), short(*value)));
            }
        }
    }
    text
}

/// No more digits than were measured.
fn short(value: f64) -> String {
    (value as f32).to_string()
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::messages::{Progress, Tested};

    #[test]
    fn every_point_has_a_line() {
        let mut record = Record::default();
        let progress = Progress {
            step: 1,
            epoch: 0.1,
            train_loss: Some(2.3),
            train_accuracy: Some(0.125),
            ..Progress::default()
        };
        record.progress(progress);
        record.tested(Tested { step: 1, epoch: 0.1, loss: 1.75, accuracy: 0.5 });
        let row = || Row { name: "A".into(), settings: "Training images 1,000".into(), record: &record };
        assert_eq!(
            write(Measure::Loss, &Part::ALL, &[row()]),
            "run,settings,curve,epoch,value\n\
             A,\"Training images 1,000\",training loss,0.1,2.3\n\
             A,\"Training images 1,000\",test loss,0.1,1.75\n"
        );
        let test = write(Measure::Accuracy, &[Part::Test], &[row(), row()]);
        assert_eq!(test.lines().count(), 3);
        assert!(test.ends_with("test accuracy,0.1,0.5\n"));
        assert_eq!(write(Measure::Loss, &[], &[row()]), HEAD);
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(["a", "a,b", "say \"a\""].map(quoted), ["a", "\"a,b\"", "\"say \"\"a\"\"\""]);
    }
}

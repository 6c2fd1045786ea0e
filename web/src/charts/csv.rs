//! Curves as CSV, one line for each point.

use trainer::messages::Split;

use crate::charts::range_test::TestedRates;
use crate::charts::x_axis::XAxis;
use crate::runs::record::{Measure, Record};
use crate::ui::format::{NOT_FINITE, shortest};

/// The first line, and that of range tests.
const HEAD: &str = "run,settings,curve,epoch,value\n";
const RATES_HEAD: &str = "run,settings,curve,epoch,learning rate,value\n";

/// A run with its name, and where its settings differ from the present ones.
pub(crate) struct CsvRun<'a> {
    pub(crate) name: String,
    pub(crate) settings: String,
    pub(crate) record: &'a Record,
}

/// The measured points of these runs; of a range test with the learning rate, without those that are not of the test.
pub(crate) fn write(x_axis: XAxis, measure: Measure, splits: &[Split], runs: &[CsvRun<'_>]) -> String {
    let mut text = if x_axis == XAxis::Epochs { HEAD } else { RATES_HEAD }.to_owned();
    for CsvRun { name, settings, record } in runs {
        let rates = TestedRates::of(record.rates());
        for split in splits {
            let curve = format!("{} {}", split.name(), measure.title().to_lowercase());
            let start = [name.as_str(), settings, &curve].map(quoted).join(",");
            // A gap between two lines is no point.
            for (epoch, value) in
                record.curve(measure, *split).points().iter().filter(|point| !point.1.is_nan())
            {
                let value = if value.is_finite() { shortest(*value) } else { NOT_FINITE.to_owned() };
                let epoch_text = shortest(*epoch);
                match (x_axis, rates.at(*epoch)) {
                    (XAxis::Epochs, _) => text.push_str(&format!("{start},{epoch_text},{value}\n")),
                    (XAxis::Rates { .. }, Some(rate)) => {
                        text.push_str(&format!("{start},{epoch_text},{},{value}\n", shortest(rate)));
                    }
                    (XAxis::Rates { .. }, None) => {}
                }
            }
        }
    }
    text
}

/// A field, quoted as in RFC 4180.
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
        record.on_progress(progress);
        record.on_tested(Tested { step: 1, epoch: 0.1, loss: 1.75, accuracy: 0.5, certainty: None });
        let run = || CsvRun { name: "A".into(), settings: "Training images 1,000".into(), record: &record };
        assert_eq!(
            write(XAxis::Epochs, Measure::Loss, &Split::ALL, &[run()]),
            "run,settings,curve,epoch,value\n\
             A,\"Training images 1,000\",training loss,0.1,2.3\n\
             A,\"Training images 1,000\",test loss,0.1,1.75\n"
        );
        let test = write(XAxis::Epochs, Measure::Accuracy, &[Split::Test], &[run(), run()]);
        assert_eq!(test.lines().count(), 3);
        assert!(test.ends_with("test accuracy,0.1,0.5\n"));
        assert_eq!(write(XAxis::Epochs, Measure::Loss, &[], &[run()]), HEAD);
    }

    #[test]
    fn values_that_are_not_finite_have_a_word_and_gaps_no_line() {
        let mut record = Record::default();
        record.on_tested(Tested { step: 1, epoch: 0.5, loss: f32::NAN, accuracy: 0.1, certainty: None });
        record.on_other_tricks();
        record.on_tested(Tested { step: 2, epoch: 1.0, loss: 0.25, accuracy: 0.5, certainty: None });
        let run = CsvRun { name: "present".into(), settings: String::new(), record: &record };
        let text = write(XAxis::Epochs, Measure::Loss, &[Split::Test], &[run]);
        assert_eq!(text, format!("{HEAD}present,,test loss,0.5,not finite\npresent,,test loss,1,0.25\n"));
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(["a", "a,b", "say \"a\""].map(quoted), ["a", "\"a,b\"", "\"say \"\"a\"\"\""]);
    }

    #[test]
    fn points_of_a_range_test_have_their_rate() {
        let mut record = Record::default();
        for (step, rate) in [(1, 0.25), (2, 0.5), (3, 0.75), (4, 0.75)] {
            record.on_progress(Progress {
                step,
                epoch: step as f64,
                train_loss: Some(2.0),
                train_rate: Some(rate),
                ..Progress::default()
            });
        }
        let run = CsvRun { name: "A".into(), settings: String::new(), record: &record };
        let text = write(XAxis::Rates { start: 0.125 }, Measure::Loss, &[Split::Train], &[run]);
        // The last points are behind the test.
        assert_eq!(text, format!("{RATES_HEAD}A,,training loss,1,0.25,2\nA,,training loss,2,0.5,2\n"));
    }
}

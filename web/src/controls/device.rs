//! The choice of the device that trains, and the measured speeds.

use leptos::prelude::*;
use trainer::messages::{Device, DeviceReport};

use crate::client::Client;
use crate::controls::link::DEVICES;
use crate::controls::view_state::ControlsView;
use crate::runs::store::RunStore;
use crate::ui::format::rate;

/// The menu of devices, and below it the device in use with its speed.
#[component]
pub(super) fn DeviceControl() -> impl IntoView {
    let client = expect_context::<Client>();
    let controls = expect_context::<ControlsView>();
    let progress = expect_context::<RunStore>().progress;
    let choose = move |ev| {
        if let Some((choice, ..)) = DEVICES.iter().find(|(.., name)| *name == event_target_value(&ev)) {
            controls.device.set(*choice);
        }
    };
    let chosen = move || DEVICES.iter().find(|(c, ..)| *c == controls.device.get()).map(|(.., name)| *name);
    let help = "Automatic measures both once training begins, and takes the faster one. Look at the throughput above.";
    let show_help = move || controls.show_help("Device", help);
    view! {
        <div class="field line" on:pointerenter=move |_| show_help() on:focusin=move |_| show_help()>
            <label>
                <span>"Device"</span>
                <select aria-describedby="help-device" on:change=choose prop:value=chosen>
                    {DEVICES.map(|(.., name)| view! { <option value=name>{name}</option> }).collect_view()}
                </select>
            </label>
            <span class="visually-hidden" id="help-device">{help}</span>
            <output class="device" aria-label="Device in use">
                {move || words(&client.device.get(), progress.get().cores)}
            </output>
        </div>
    }
}

/// The device in use, the speeds of both, and what went wrong.
fn words(report: &DeviceReport, cores: usize) -> String {
    let cpu = if cores > 1 { format!("CPU, {cores} cores") } else { "CPU".to_owned() };
    let gpu = match report.adapter.as_deref() {
        None | Some("") => "WebGPU".to_owned(),
        Some(name) => format!("WebGPU ({name})"),
    };
    let (used, other) = if report.device == Device::WebGpu { (&gpu, &cpu) } else { (&cpu, &gpu) };
    let speeds = [report.gpu_speed, report.cpu_speed];
    let [used_speed, other_speed] =
        if report.device == Device::WebGpu { speeds } else { [speeds[1], speeds[0]] };
    let rate = |speed: f32| format!("{} images/s", rate(speed));
    let mut text = match (used_speed, other_speed) {
        (Some(used_speed), Some(other_speed)) => {
            format!("{used}: {}. {other}: {}.", rate(used_speed), rate(other_speed))
        }
        _ => format!("{used}."),
    };
    if report.measuring {
        text += " Measuring how fast WebGPU is: training stands still meanwhile.";
    }
    if let Some(note) = &report.note {
        text = format!("{text} {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_both_speeds_and_what_went_wrong() {
        let report = DeviceReport {
            device: Device::WebGpu,
            adapter: Some("Apple M2".into()),
            cpu_speed: Some(25_400.0),
            gpu_speed: Some(101_000.0),
            ..DeviceReport::default()
        };
        assert_eq!(words(&report, 2), "WebGPU (Apple M2): 101,000 images/s. CPU, 2 cores: 25,400 images/s.");
        let report = DeviceReport { measuring: true, ..DeviceReport::default() };
        assert!(words(&report, 1).starts_with("CPU. Measuring how fast WebGPU is"));
        let report = DeviceReport { note: Some("The GPU was lost.".into()), ..DeviceReport::default() };
        assert_eq!(words(&report, 1), "CPU. The GPU was lost.");
    }
}

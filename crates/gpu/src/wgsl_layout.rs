//! Compares everything that is declared twice, in Rust and in WGSL, with the layout that naga computes for the shaders.

#![cfg(all(test, not(target_family = "wasm")))]

use crate::kernel::Kernel;
use crate::layout::{BufferLengths, LOSS_CHUNK};
use crate::reduction::{self, Reduction};
use crate::step::{self, Step};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Expression, Literal, Module, Scalar, TypeInner};
use nn::mnist;
use std::mem::offset_of;

/// A shader file with everything before it, as `PipelineCache` compiles it.
fn module(file: &str) -> Module {
    let lengths = BufferLengths { state: 1, packed: 1, values: 1, partials: 1, reductions: 1 };
    let source = Kernel::source(file, &lengths);
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{file}: {}", e.emit_to_string(&source)));
    let validated = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
    assert!(validated.is_ok(), "{file}: {validated:?}");
    module
}

/// The fields of a struct in WGSL (name, offset and scalar type), and its size.
fn wgsl_struct(module: &Module, name: &str) -> (Vec<(String, usize, Scalar)>, usize) {
    let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
    let Some((_, naga::Type { inner: TypeInner::Struct { members, span }, .. })) = found else {
        panic!("there is no struct {name}");
    };
    let fields = members.iter().map(|member| {
        let TypeInner::Scalar(scalar) = module.types[member.ty].inner else {
            panic!("{name}.{:?} is not a scalar", member.name);
        };
        (member.name.clone().unwrap(), member.offset as usize, scalar)
    });
    (fields.collect(), *span as usize)
}

fn wgsl_constant(module: &Module, name: &str) -> u32 {
    let found = module.constants.iter().find(|(_, constant)| constant.name.as_deref() == Some(name));
    let (_, constant) = found.unwrap_or_else(|| panic!("there is no constant {name}"));
    match module.global_expressions[constant.init] {
        Expression::Literal(Literal::U32(value)) => value,
        ref other => panic!("{name} is {other:?}"),
    }
}

/// The scalar type of a field, in WGSL.
trait WgslScalar {
    const SCALAR: Scalar;
}

impl WgslScalar for u32 {
    const SCALAR: Scalar = Scalar::U32;
}

impl WgslScalar for f32 {
    const SCALAR: Scalar = Scalar::F32;
}

/// The fields of a struct in Rust, as `wgsl_struct` returns them. A field that is missing here does not compile.
macro_rules! rust_struct {
    ($ty:ident { $($field:ident),* $(,)? }) => {{
        let $ty { $($field),* } = $ty::default();
        fn scalar<T: WgslScalar>(_: T) -> Scalar {
            T::SCALAR
        }
        let fields = vec![$((stringify!($field).to_owned(), offset_of!($ty, $field), scalar($field))),*];
        (fields, size_of::<$ty>())
    }};
}

#[test]
fn the_uniform_of_a_step_has_the_same_layout_in_rust_and_wgsl() {
    let rust = rust_struct!(Step {
        seed,
        number,
        epoch,
        first,
        batch_size,
        epoch_images,
        slot,
        optimizer,
        learning_rate,
        momentum_or_beta1,
        nesterov_or_beta2,
        eps,
        step_size,
        root_correction,
        l1,
        l2,
        label_smoothing,
        label_noise,
        penalize_all,
        rotation,
        shift,
        zoom,
        shear,
        elastic,
        crop,
    });
    assert_eq!(rust, wgsl_struct(&module("input"), "Step"));
}

#[test]
fn the_table_of_reductions_has_the_same_layout_in_rust_and_wgsl() {
    let rust = rust_struct!(Reduction {
        kind,
        first_workgroup,
        parameter,
        count,
        partial,
        chunks,
        input,
        in_channels,
        height,
        width,
        kernel_height,
        kernel_width,
        stride,
        output_gradient,
        out_channels,
        out_height,
        out_width,
        chunk_quads,
        forward_weights,
        backward_weights,
        out_channel_tile,
        in_channel_tile,
        penalized,
        first_update_workgroup,
    });
    for file in ["weight_gradient", "optimizer"] {
        assert_eq!(rust, wgsl_struct(&module(file), "Reduction"), "{file}");
    }
}

#[test]
fn constants_have_the_same_values_in_rust_and_wgsl() {
    for (file, name, value) in [
        ("optimizer", "SGD", step::SGD),
        ("optimizer", "ADAM", step::ADAM),
        ("optimizer", "ADAM_W", step::ADAM_W),
        ("optimizer", "UPDATES_PER_WORKGROUP", reduction::UPDATES_PER_WORKGROUP),
        ("weight_gradient", "CONV2D_WEIGHT", reduction::CONV2D_WEIGHT),
        ("weight_gradient", "LINEAR_WEIGHT", reduction::LINEAR_WEIGHT),
        ("weight_gradient", "BIAS", reduction::BIAS),
        ("weight_gradient", "OTHER", reduction::OTHER),
        ("weight_gradient", "LOSS_AND_HITS", reduction::LOSS_AND_HITS),
        ("weight_gradient", "LOSS_CHUNK", LOSS_CHUNK),
        ("loss", "MAX_CLASSES", crate::lower::MAX_CLASSES as u32),
        ("input", "SIDE", mnist::SIDE as u32),
        ("input", "PIXELS", mnist::PIXELS as u32),
    ] {
        assert_eq!(wgsl_constant(&module(file), name), value, "{name} in {file}.wgsl");
    }
}

#[test]
fn kernels_have_the_workgroup_sizes_that_dispatches_count_on() {
    for kernel in Kernel::ALL {
        let (file, entry) = kernel.name();
        let module = module(file);
        let found = module.entry_points.iter().find(|point| point.name == entry);
        let point = found.unwrap_or_else(|| panic!("{file}.wgsl has no entry point {entry}"));
        assert_eq!(point.workgroup_size, [kernel.workgroup_size(), 1, 1], "{kernel:?}");
    }
}

#[test]
fn every_entry_point_is_a_kernel() {
    let mut files: Vec<_> = Kernel::ALL.map(|kernel| kernel.name().0).to_vec();
    files.dedup();
    let entry_points: usize = files.iter().map(|file| module(file).entry_points.len()).sum();
    assert_eq!(entry_points, Kernel::ALL.len());
}

//! A study's file, in TOML.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    if let Ok((plan, _)) = pairnet_study::read(input) {
        let plan_is_checked = plan.variants.iter().all(|network| network.check().is_ok());
        assert!(plan_is_checked && plan.recipes.iter().all(|recipe| recipe.check().is_ok()));
    }
});

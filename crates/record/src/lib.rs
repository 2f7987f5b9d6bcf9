//! What a training run was and what it measured, and the files it leaves

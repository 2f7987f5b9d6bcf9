//! MNIST digits from IDX files, pooled and paired

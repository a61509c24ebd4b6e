"""The paper's experiments as configurations: what each table varies, and how it is run."""

"""One file per algorithm: a form that turns parameters into a job."""

"""What people look at: layer styles, the quick-look picture, the HTML report."""

"""Reports that know the content, one module each; `catalogue` lists them."""

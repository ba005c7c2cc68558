"""One module per revision. One that was released is never changed."""

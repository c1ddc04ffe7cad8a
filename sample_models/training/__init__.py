"""Scripts that train the sample models again from nothing."""

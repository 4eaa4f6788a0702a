"""The pipeline's steps as KFP components: each a typed contract whose body calls one function of detloop."""

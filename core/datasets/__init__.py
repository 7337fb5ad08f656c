"""Dataset versions as their own subject: kept, listed, compared, named, carried in and out."""

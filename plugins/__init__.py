"""The plugins that come with docutune; core meets them as strangers, through their entry points."""

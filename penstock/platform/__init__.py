"""What programs use around the computation: flags, `app.run`, logging, files, versions, test cases."""

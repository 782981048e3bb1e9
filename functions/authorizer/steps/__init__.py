"""The steps of a judgement that know something of their own, one file each."""

"""`tf.contrib.image`: projective transforms, warps by flows and by splines, connected components."""

from typing import Any

import numpy as np

import penstock.compat.v1 as tf
from penstock.contrib.names import contrib


@contrib("image.angles_to_projective_transforms")
def angles_to_projective_transforms(angles: Any, image_height: Any, image_width: Any, name: Any = None) -> Any:
    """Rotations (counterclockwise, in radians) as [n, 8] transforms."""
    with tf.name_scope(name, "angles_to_projective_transforms"):
        angles = tf.convert_to_tensor(angles, name="angles", dtype=tf.float32)
        if angles.get_shape().ndims == 0:
            angles = angles[None]
        elif angles.get_shape().ndims != 1:
            raise TypeError("Angles should have rank 0 or 1.")
        h, w = tf.cast(image_height, tf.float32), tf.cast(image_width, tf.float32)
        cos, sin = tf.cos(angles), tf.sin(angles)
        x = ((w - 1) - (cos * (w - 1) - sin * (h - 1))) / 2.0
        y = ((h - 1) - (sin * (w - 1) + cos * (h - 1))) / 2.0
        zeros = tf.zeros([tf.shape(angles)[0], 2], tf.float32)
        column = lambda v: v[:, None]
        return tf.concat([column(cos), column(-sin), column(x), column(sin), column(cos), column(y), zeros], axis=1)


@contrib("image.translations_to_projective_transforms")
def translations_to_projective_transforms(translations: Any, name: Any = None) -> Any:
    """[dx, dy] as [n, 8] transforms."""
    with tf.name_scope(name, "translations_to_projective_transforms"):
        t = tf.convert_to_tensor(translations, dtype=tf.float32)
        if t.get_shape().ndims is None:
            raise TypeError("translation_or_translations rank must be statically known")
        if t.get_shape().ndims == 1:
            t = t[None]
        elif t.get_shape().ndims != 2:
            raise TypeError("Translations should have rank 1 or 2.")
        n = tf.shape(t)[0]
        one, zero = tf.ones([n, 1]), tf.zeros([n, 1])
        return tf.concat([one, zero, -t[:, 0, None], zero, one, -t[:, 1, None], zero, zero], axis=1)


@contrib("image.transform")
def transform(images: Any, transforms: Any, interpolation: str = "NEAREST", output_shape: Any = None, name: Any = None) -> Any:
    """Images whose output point (x, y) is the input's at the transformed point."""
    with tf.name_scope(name, "transform"):
        image = tf.convert_to_tensor(images, name="images")
        t = tf.convert_to_tensor(transforms, name="transforms", dtype=tf.float32)
        rank = image.get_shape().ndims
        if rank is None:
            raise TypeError("image_or_images rank must be statically known")
        if rank == 2:
            batch = image[None, :, :, None]
        elif rank == 3:
            batch = image[None]
        elif rank == 4:
            batch = image
        else:
            raise TypeError("Images should have rank between 2 and 4.")
        size = tf.shape(batch)[1:3] if output_shape is None else tf.convert_to_tensor(output_shape, tf.int32)
        if len(t.get_shape()) == 1:
            t = t[None]
        elif t.get_shape().ndims is None:
            raise TypeError("transform_or_transforms rank must be statically known")
        elif len(t.get_shape()) != 2:
            raise TypeError("Transforms should have rank 1 or 2.")
        output = tf.raw_ops.ImageProjectiveTransformV2(images=batch, transforms=t, output_shape=size, interpolation=interpolation.upper())
        return output[0, :, :, 0] if rank == 2 else output[0] if rank == 3 else output


@contrib("image.rotate")
def rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: Any = None) -> Any:
    """Images rotated counterclockwise by angles in radians."""
    with tf.name_scope(name, "rotate"):
        image = tf.convert_to_tensor(images)
        rank = image.get_shape().ndims
        if rank is None:
            raise TypeError("image_or_images rank must be statically known")
        if rank not in (2, 3, 4):
            raise TypeError("Images should have rank between 2 and 4.")
        shape = tf.shape(image)
        height, width = (shape[0], shape[1]) if rank < 4 else (shape[1], shape[2])
        return transform(images, angles_to_projective_transforms(angles, height, width), interpolation=interpolation)


@contrib("image.translate")
def translate(images: Any, translations: Any, interpolation: str = "NEAREST", name: Any = None) -> Any:
    """Images moved by [dx, dy]."""
    with tf.name_scope(name, "translate"):
        return transform(images, translations_to_projective_transforms(translations), interpolation=interpolation)


@contrib("image.flat_transforms_to_matrices")
def flat_transforms_to_matrices(transforms: Any) -> Any:
    """[n, 8] transforms as [n, 3, 3] matrices."""
    with tf.name_scope("flat_transforms_to_matrices"):
        t = tf.reshape(tf.convert_to_tensor(transforms, name="transforms"), [-1, 8])
        return tf.reshape(tf.concat([t, tf.ones([tf.shape(t)[0], 1], t.dtype)], axis=1), [-1, 3, 3])


@contrib("image.matrices_to_flat_transforms")
def matrices_to_flat_transforms(transform_matrices: Any) -> Any:
    """[n, 3, 3] matrices as [n, 8] transforms."""
    with tf.name_scope("matrices_to_flat_transforms"):
        t = tf.reshape(tf.convert_to_tensor(transform_matrices), [-1, 9])
        return (t / t[:, 8:9])[:, :8]


@contrib("image.compose_transforms")
def compose_transforms(*transforms: Any) -> Any:
    """Several transforms as one, the first one applied first."""
    assert transforms, "transforms cannot be empty"
    with tf.name_scope("compose_transforms"):
        composed = flat_transforms_to_matrices(transforms[0])
        for t in transforms[1:]:
            composed = tf.matmul(composed, flat_transforms_to_matrices(t))
        return matrices_to_flat_transforms(composed)


def _at(image: Any, points: Any) -> Any:
    """Bilinear values of [batch, h, w, c] at [batch, n, 2] points (y, x), clamped to the image."""
    shape = tf.shape(image)
    floors, alphas = [], []
    for i in (0, 1):
        q = points[..., i]
        top = tf.cast(shape[1 + i] - 2, q.dtype)
        floor = tf.minimum(tf.maximum(0.0, tf.floor(q)), top)
        floors.append(tf.cast(floor, tf.int32))
        alphas.append(tf.clip_by_value(q - floor, 0.0, 1.0)[..., None])
    take = lambda y, x: tf.gather_nd(image, tf.stack([y, x], -1), batch_dims=1)
    (fy, fx), (ay, ax) = floors, alphas
    ay, ax = tf.cast(ay, image.dtype), tf.cast(ax, image.dtype)
    a, b, c, d = take(fy, fx), take(fy, fx + 1), take(fy + 1, fx), take(fy + 1, fx + 1)
    top = ax * (b - a) + a
    return ay * (ax * (d - c) + c - top) + top


@contrib("image.dense_image_warp")
def dense_image_warp(image: Any, flow: Any, name: str = "dense_image_warp") -> Any:
    """output[b, j, i] = image[b, j - flow[b, j, i, 0], i - flow[b, j, i, 1]]."""
    with tf.name_scope(name):
        image, flow = tf.convert_to_tensor(image), tf.convert_to_tensor(flow)
        shape = tf.shape(image)
        batch, height, width = shape[0], shape[1], shape[2]
        grid_x, grid_y = tf.meshgrid(tf.range(width), tf.range(height))
        grid = tf.cast(tf.stack([grid_y, grid_x], axis=2), flow.dtype)
        points = tf.reshape(grid[None] - flow, [batch, height * width, 2])
        warped = tf.reshape(_at(image, points), shape)
        warped.set_shape(image.get_shape())
        return warped


def _distances(x: Any, y: Any) -> Any:
    """Squared distances of all pairs of [b, n, d] and [b, m, d]."""
    xx, yy = tf.reduce_sum(x * x, -1)[..., None], tf.reduce_sum(y * y, -1)[:, None]
    return xx - 2 * tf.matmul(x, y, transpose_b=True) + yy


def _phi(r: Any, order: Any) -> Any:
    """The radial basis function of an order, of squared distances."""
    epsilon = 1e-10
    if order == 1:
        return tf.sqrt(tf.maximum(r, epsilon))
    if order == 2:
        return 0.5 * r * tf.log(tf.maximum(r, epsilon))
    if order == 4:
        return 0.5 * tf.square(r) * tf.log(tf.maximum(r, epsilon))
    r = tf.maximum(r, epsilon)
    return 0.5 * tf.pow(r, 0.5 * order) * tf.log(r) if order % 2 == 0 else tf.pow(r, 0.5 * order)


@contrib("image.interpolate_spline")
def interpolate_spline(train_points: Any, train_values: Any, query_points: Any, order: Any, regularization_weight: float = 0.0, name: str = "interpolate_spline") -> Any:
    """A polyharmonic spline through [b, n, d] points with [b, n, k] values, at [b, m, d] points."""
    with tf.name_scope(name):
        c, f, q = (tf.convert_to_tensor(v) for v in (train_points, train_values, query_points))
        b, n, d = tf.shape(c)[0], tf.shape(c)[1], c.get_shape().as_list()[-1]
        a = _phi(_distances(c, c), order)
        if regularization_weight > 0:
            a += regularization_weight * tf.eye(n, dtype=c.dtype)[None]
        ones = tf.ones(tf.stack([b, n, 1]), c.dtype)
        part = tf.concat([c, ones], 2)
        left = tf.concat([a, tf.transpose(part, [0, 2, 1])], 1)
        right = tf.concat([part, tf.random_normal(tf.stack([b, d + 1, d + 1]), 0.0, 1e-10, dtype=c.dtype, seed=0) * 0.0], 1)
        system = tf.concat([left, right], 2)
        target = tf.concat([f, tf.zeros(tf.stack([b, d + 1, tf.shape(f)[2]]), f.dtype)], 1)
        solved = tf.linalg.solve(system, target)
        w, v = solved[:, :n], solved[:, n:]
        rbf = tf.matmul(_phi(_distances(q, c), order), w)
        return rbf + tf.matmul(tf.concat([q, tf.ones_like(q[..., :1])], 2), v)


@contrib("image.sparse_image_warp")
def sparse_image_warp(
    image: Any, source_control_point_locations: Any, dest_control_point_locations: Any, interpolation_order: int = 2,
    regularization_weight: float = 0.0, num_boundary_points: int = 0, name: str = "sparse_image_warp",
) -> Any:  # fmt: skip
    """(image, flow) of a warp that moves control points (y, x) from source to destination."""
    image = tf.convert_to_tensor(image)
    source, dest = tf.convert_to_tensor(source_control_point_locations), tf.convert_to_tensor(dest_control_point_locations)
    flows = dest - source
    with tf.name_scope(name):
        batch, height, width, _ = image.get_shape().as_list()
        if num_boundary_points:
            ys, xs = np.linspace(0, height - 1, num_boundary_points + 1), np.linspace(0, width - 1, num_boundary_points + 1)
            edge = {(y, x) for y in ys for x in (0, width - 1)} | {(y, x) for x in xs for y in (0, height - 1)}
            edge = np.tile(np.array(sorted(edge), np.float32)[None], [batch, 1, 1])
            dest = tf.concat([dest, tf.cast(edge, dest.dtype)], 1)
            flows = tf.concat([flows, tf.zeros(edge.shape, flows.dtype)], 1)
        grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).reshape(1, -1, 2).astype(np.float32)
        grid = tf.constant(np.tile(grid, [batch, 1, 1]), image.dtype if image.dtype.is_floating else tf.float32)
        flow = interpolate_spline(dest, flows, grid, interpolation_order, regularization_weight)
        flow = tf.reshape(flow, [batch, height, width, 2])
        return dense_image_warp(image, flow), flow


@contrib("image.connected_components")
def connected_components(images: Any) -> Any:
    """The number of each pixel's component of equal, true neighbours; 0 where it is false (or zero)."""
    with tf.name_scope("connected_components"):
        images = tf.convert_to_tensor(images, name="images")
        rank = images.get_shape().ndims
        if rank not in (2, 3):
            raise TypeError("images should have rank 2 (HW) or 3 (NHW). Static shape is " + str(images.get_shape()))
        batch = images[None] if rank == 2 else images

        def label(values: Any) -> Any:
            from scipy import ndimage

            out, count = np.zeros(values.shape, np.int64), 0
            zero = b"" if values.dtype == object else np.zeros((), values.dtype)
            for i, one in enumerate(values):
                first: list[tuple[int, Any, int]] = []
                for value in np.unique(one):
                    if value == zero:
                        continue
                    labels, found = ndimage.label(one == value)
                    for k in range(1, found + 1):
                        first.append((int(np.flatnonzero(labels == k)[0]), labels, k))
                for _, labels, k in sorted(first, key=lambda t: t[0]):
                    count += 1
                    out[i][labels == k] = count
            return out

        components = tf.py_func(label, [batch], tf.int64)
        components.set_shape(batch.get_shape())
        return components[0] if rank == 2 else components

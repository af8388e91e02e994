from __future__ import annotations

from django.urls import path

from datasets import picture_views, retouch_views, shoot_views, views

app_name = "datasets"
urlpatterns = [
    path("datasets", views.begin, name="begin"),
    path("datasets/channel", views.channel, name="new_channel"),
    path("datasets/pictures", picture_views.upload, name="new_upload"),
    path("datasets/<uuid:pk>", views.dataset, name="dataset"),
    path("datasets/<uuid:pk>/channel", views.channel, name="channel"),
    path("datasets/<uuid:pk>/pictures", picture_views.upload, name="upload"),
    path("datasets/<uuid:pk>/choose", views.choose, name="choose"),
    path("datasets/<uuid:pk>/captions", views.captions, name="captions"),
    path("datasets/<uuid:pk>/describe", retouch_views.describe, name="describe"),
    path("datasets/<uuid:pk>/replace", views.replace, name="replace"),
    path("datasets/<uuid:pk>/progress", views.progress, name="progress"),
    path("datasets/<uuid:pk>/copy", views.copy, name="copy"),
    path("datasets/<uuid:pk>/remove", views.remove, name="remove"),
    path("datasets/<uuid:pk>/archive.zip", views.archive, name="archive"),
    path("datasets/<uuid:pk>/strip", views.strip, name="strip"),
    path("pictures/<uuid:pk>/caption", picture_views.caption, name="caption"),
    path("pictures/<uuid:pk>/rotate", picture_views.rotate, name="rotate"),
    path("pictures/<uuid:pk>/crop", picture_views.crop, name="crop"),
    path("pictures/<uuid:pk>/whole", picture_views.whole, name="whole"),
    path(
        "pictures/<uuid:pk>/remove-background",
        retouch_views.remove_background,
        name="remove_background",
    ),
    path(
        "pictures/<uuid:pk>/put-background-back",
        retouch_views.put_background_back,
        name="put_background_back",
    ),
    path("pictures/<uuid:pk>/earlier", picture_views.move, {"by": -1}, name="earlier"),
    path("pictures/<uuid:pk>/later", picture_views.move, {"by": 1}, name="later"),
    path("pictures/<uuid:pk>/remove", picture_views.remove, name="remove_picture"),
    path("pictures/<uuid:pk>/<int:size>", picture_views.picture, name="picture"),
    path("shoots", shoot_views.shoots, name="shoots"),
    path("files/<str:token>/<str:filename>", views.file, name="file"),
]
